// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/sha256.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/runner/model_maker.h"
#include "core/engine/trial_log.h"
#include "core/sweep/trial_exchange.h"

#include <vector>

namespace paretoscope::engine {

/// @return whether `tensors` are now what the pipeline makes of the model, because an earlier run kept it
bool takeKept(const core::TrialRequest& request, const core::Sha256Digest& model, ModelTensors& tensors, TrialLog& log);

/// What can be kept of the compressed model, if it is to be; a trial does not fail for that.
std::vector<core::ArtifactRecord> keepModel(const core::TrialRequest& request, const core::Sha256Digest& model,
                                            MadeModel& made);

} // namespace paretoscope::engine
