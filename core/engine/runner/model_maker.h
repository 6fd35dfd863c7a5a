// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/recovery/trial_recovery.h"
#include "core/engine/runner/runner_session.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/trial_log.h"
#include "core/memory/memory_estimate.h"
#include "core/sweep/trial_exchange.h"

#include <filesystem>
#include <memory>

namespace paretoscope::engine {

/// What the pipeline of a trial made of a model, with all that is needed to go on with it.
struct MadeModel
{
    MadeModel(ModelTensors model, const std::filesystem::path& cacheFolder, const core::Json& recoveryKey)
        : tensors(std::move(model))
        , recovery(cacheFolder, recoveryKey)
    {}

    ModelTensors tensors;
    TrialRecovery recovery;
    core::MemoryEstimate estimate;
    TrialLog log;
    RunTimeParts parts;
    bool isKept = false; ///< by an earlier run: nothing was compressed
    int sharedSteps = 0; ///< done by other trials
    double loadSeconds = 0;
    double compressSeconds = 0;
};

/// Makes the trial's model the warm one and brings it through the pipeline: from what was kept of it, from where an
/// earlier process came, or from behind the steps that other trials went through, whichever is furthest.
/// Errors: those of the parts, with layer and module; Corrupt (a file changed since the sweep was planned); Cancelled;
/// OutOfMemory.
core::Result<std::unique_ptr<MadeModel>> makeModel(RunnerSession& session, const core::TrialRequest& request,
                                                   TrialObserver& observer);

} // namespace paretoscope::engine
