// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/cache/artifact_cache.h"
#include "core/engine/cache/tensor_cache.h"
#include "core/engine/device/arithmetic.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/prefix/prefix_store.h"
#include "core/engine/runner/runner_options.h"
#include "core/engine/statistics/statistic_cache.h"
#include "core/engine/trial_observer.h"
#include "core/engine/warm_model.h"
#include "core/memory/memory_estimate.h"
#include "core/sweep/trial_exchange.h"

#include <filesystem>
#include <map>
#include <memory>

namespace paretoscope::engine {

/// What one process has for its tasks and keeps between them: device, plugins, caches, the model used last.
struct RunnerSession
{
    explicit RunnerSession(RunnerOptions given);

    RunnerOptions options;
    core::Result<at::Device> device;
    core::Result<Arithmetic> arithmetic;
    core::Json deviceDescription;
    PluginHost plugins;
    std::shared_ptr<core::ArtifactCache> artifacts;
    StatisticCache statistics;
    TensorCache references;
    PrefixStore prefixes;
    std::unique_ptr<WarmModel> model;                                      ///< null until the first warmUp()
    std::map<std::filesystem::path, std::unique_ptr<WarmModel>> baselines; ///< that metrics name

    /// Loads a model as this process computes with it. Errors: those of WarmModel::load.
    core::Result<std::unique_ptr<WarmModel>> load(const std::filesystem::path& path, core::Bytes residentLimit) const;
    /// Makes this the warm model. Errors: as load.
    core::Status warmUp(const std::filesystem::path& path, TrialObserver& observer);
    /// How a trial of the warm model divides the memory, and whether it can. An attempt after the first one, which may
    /// have ended for lack of memory, takes as little as possible. Errors: OutOfMemory.
    core::Result<core::MemoryEstimate> plan(const core::WorkloadSpec& workload, const core::Pipeline& pipeline,
                                            int attempt);
    /// What a baseline and the services may keep beside the trial: nothing under a budget, little of the machine
    /// otherwise.
    core::Bytes auxiliaryLimit() const;

    /// All that results depend on beside model, data and pipeline.
    core::Json numericalConditions() const;
    /// Hash of the warm model's tokenizer; null when nothing was tokenised.
    core::Json tokenizerHash() const;
    /// Where and how a metric was computed.
    void stamp(core::MetricRecord& record) const;
};

} // namespace paretoscope::engine
