// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/stage.h"
#include "core/engine/recovery/trial_recovery.h"
#include "core/engine/statistics/statistic_cache.h"
#include "core/engine/trial_log.h"
#include "core/engine/trial_observer.h"
#include "core/memory/memory_plan.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// The samples that calibrate, and the name under which their statistics may be cached.
struct Calibration
{
    std::vector<std::vector<std::int32_t>> samples;
    core::Json identity; ///< model, tokens, numerics, threads: all that a statistic of the original model depends on
    /// The key under which the cache tells that the statistics with these ids are all there; empty: untold.
    std::function<core::Json(const std::vector<std::string>& statistics)> collectionKey = {};
};

/// What stages add to every forward after them.
struct RunTimeParts
{
    bool empty() const { return hooks.empty() && !kvStore; }

    Hooks hooks;
    KvStoreFactory kvStore; ///< of the last stage that has one; empty: dense
};

/// Everything one pipeline shares between its stages.
struct PipelineContext
{
    const CompressibleModel& model;
    ModelTensors& tensors;          ///< changed by every stage
    const Calibration* calibration; ///< null when no stage needs one
    std::span<const StatisticFactory> statistics;
    const StatisticCache& cache;
    HostServices& services;
    TrialObserver& observer;
    TrialLog& log;
    std::uint64_t seed = 0;
    RunTimeParts& parts; ///< collected from the stages
    core::MemoryPlan memory = {};
    TrialRecovery* recovery = nullptr; ///< null: nothing is kept for an interrupted trial
    int step = 0;                      ///< index within Pipeline::steps
    std::string stage = {};            ///< what its records of time are called after: "gptq"
};

/// Gathers the statistics that `stage` asks for and applies it, block by block; see Propagate for where they come from.
/// Statistics of the original model are taken from the cache; what another process gathers is waited for block by
/// block.
/// Peak memory: the tensors of one block (two when the plan reads ahead), the statistics of one step, what the plan
/// allows for activations. With `recovery` it goes on where an earlier process came, and keeps what it did block by
/// block.
/// Errors: those of the stage with the unit's name in front; Numerical (a weight or activation that is not finite, an
/// input that no token reached); Cancelled.
core::Status runStage(Stage& stage, const PipelineContext& context);

/// Lets a stage that has been applied cut what it made (Stage::cut). The recorded errors of its targets are then those
/// of what is left, against the weights of the model. Errors: as runStage.
core::Status cutStage(Stage& stage, const PipelineContext& context);

} // namespace paretoscope::engine
