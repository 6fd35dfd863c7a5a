// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/metric.h"
#include "core/engine/recovery/trial_recovery.h"
#include "core/engine/trial_observer.h"
#include "core/memory/memory_plan.h"

#include <memory>
#include <vector>

namespace paretoscope::engine {

struct EvaluationContext
{
    const LanguageModel& model;
    const ModelTensors& tensors;
    const Hooks& hooks;
    TrialObserver& observer;
    core::MemoryPlan memory = {};
    TrialRecovery* recovery = nullptr; ///< null: an interrupted evaluation begins anew
    TrialLog* log = nullptr;           ///< with `recovery`
    int steps = 0;                     ///< of the pipeline (Pipeline::steps), likewise
    /// Empty: the full forward. Otherwise every sequence runs through such a store: its prompt at once, then token by
    /// token (MetricSequence::promptTokens).
    KvStoreFactory kvStore {};
};

/// Runs every sequence that a metric asks for once, block by block, and delivers its logits; equal sequences of
/// different metrics share the forward pass. Each sequence is computed by itself, so results do not depend on how many
/// there are or what the memory plan says. Blocks are passed in ModelTensors::evaluationType, logits made in float32.
/// Memory: the activations that the plan allows (of up to 256 MiB worth of sequences when it keeps weights), the
/// tensors of one block (two when it reads ahead). Errors: reading errors; OutOfMemory; Io (scratch disk full);
/// Cancelled.
core::Status evaluate(const std::vector<std::unique_ptr<Metric>>& metrics, const EvaluationContext& context);

} // namespace paretoscope::engine
