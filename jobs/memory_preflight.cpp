// SPDX-License-Identifier: Apache-2.0
#include "jobs/memory_preflight.h"

#include "core/architecture/architecture.h"
#include "core/base/installation.h"
#include "core/checkpoint/checkpoint.h"
#include "core/memory/physical_memory.h"
#include "jobs/evaluation.h"

#include <algorithm>

namespace paretoscope::jobs {

core::Result<MemoryPreflight> MemoryPreflight::create(const core::WorkloadSpec& workload, const SweepOptions& options)
{
    const auto installed = core::Installation::locate();
    PSC_ASSIGN(const auto checkpoint, core::openCheckpoint(workload.model));
    PSC_ASSIGN(const core::Architecture architecture,
               core::describeArchitecture(*checkpoint, installed.architectures()));
    MemoryPreflight preflight;
    preflight.m_workload = workload;
    preflight.m_plugins = core::PluginCatalogue::scan(installed.pluginFolders());
    preflight.m_sizes = core::modelSizes(architecture, *checkpoint);
    preflight.m_budget = options.memoryBudget;
    preflight.m_threads = workerCounts(options).threads;
    return preflight;
}

core::MemoryEstimate MemoryPreflight::estimate(const core::Pipeline& pipeline) const
{
    return estimateWithin(pipeline, core::physicalMemory());
}

core::MemoryEstimate MemoryPreflight::estimateWithin(const core::Pipeline& pipeline, core::Bytes memory) const
{
    const core::TrialLoad load = core::trialLoad(m_workload, pipeline, m_plugins, m_threads);
    return core::planMemory(m_sizes, load, m_budget, memory);
}

core::Result<Placement> placeSweep(const SweepPlan& plan, const core::WorkloadSpec& workload,
                                   const SweepOptions& options)
{
    PSC_ASSIGN(const std::vector<std::string> devices, parseDevices(options.device));
    const int workers = workerCounts(options).jobs;
    if (std::none_of(devices.begin(), devices.end(), isCard))
        return placeWorkers(devices, workers, {}, {});
    PSC_ASSIGN(const core::Json description, describeWorker(options.worker));
    PSC_ASSIGN(const MemoryPreflight preflight, MemoryPreflight::create(workload, options));
    return placeWorkers(devices, workers, cardsIn(description), [&](const Card& card) {
        core::Bytes most;
        for (std::size_t i = 0; i < plan.trials.size(); ++i) {
            if (!plan.done[i] && !plan.held[i])
                most = std::max(
                    most,
                    preflight.estimateWithin(plan.trials[i].pipeline, std::min(card.memory, core::physicalMemory()))
                        .peak);
        }
        return most;
    });
}

core::Status requireMemory(const SweepPlan& plan, const core::WorkloadSpec& workload, const SweepOptions& options)
{
    if (!options.memoryBudget || plan.remaining() == 0)
        return core::success();
    PSC_ASSIGN(const MemoryPreflight preflight, MemoryPreflight::create(workload, options));
    core::MemoryEstimate largest;
    std::string label;
    for (std::size_t i = 0; i < plan.trials.size(); ++i) {
        if (plan.done[i] || plan.held[i])
            continue;
        const core::MemoryEstimate estimate = preflight.estimate(plan.trials[i].pipeline);
        if (estimate.least > largest.least) {
            largest = estimate;
            label = plan.trials[i].pipeline.label();
        }
    }
    const core::Status fits = core::requireWithin(largest, options.memoryBudget);
    return fits.ok() ? fits : core::Status(fits.error().withContext(label));
}

} // namespace paretoscope::jobs
