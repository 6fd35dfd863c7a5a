// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/metric.h"
#include "core/engine/trial_runner.h"

#include <memory>
#include <vector>

namespace paretoscope::engine {

struct EvaluationContext
{
    const LanguageModel& model;
    const ModelTensors& tensors;
    const Hooks& hooks;
    TrialObserver& observer;
};

/// Runs every sequence that a metric asks for once, block by block, and delivers its logits; equal sequences of
/// different metrics share the forward pass. Each sequence is computed by itself, so results do not depend on how many
/// there are. Memory: the activations of up to 256 MiB worth of sequences, the tensors of one block.
/// Errors: reading errors; OutOfMemory; Cancelled.
core::Status evaluate(const std::vector<std::unique_ptr<Metric>>& metrics, const EvaluationContext& context);

} // namespace paretoscope::engine
