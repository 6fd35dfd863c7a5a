// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/memory/memory_estimate.h"
#include "core/plugin/manifest.h"
#include "jobs/device_placement.h"
#include "jobs/sweep_runner.h"

namespace paretoscope::jobs {

/// What the trials of a sweep will take, from configuration and headers alone.
class MemoryPreflight
{
public:
    /// Errors: those of reading model and architecture.
    static core::Result<MemoryPreflight> create(const core::WorkloadSpec& workload, const SweepOptions& options);

    core::MemoryEstimate estimate(const core::Pipeline& pipeline) const;
    /// On a device with so much memory.
    core::MemoryEstimate estimateWithin(const core::Pipeline& pipeline, core::Bytes memory) const;

private:
    core::WorkloadSpec m_workload;
    core::PluginCatalogue m_plugins;
    core::ModelSizes m_sizes;
    std::optional<core::Bytes> m_budget;
    int m_threads = 1;
};

/// Places the workers of a sweep that has something to run by what its largest trial takes on each card. Asks the
/// worker program about cards when one is wanted. Errors: those of placeWorkers, describeWorker and
/// MemoryPreflight::create.
core::Result<Placement> placeSweep(const SweepPlan& plan, const core::WorkloadSpec& workload,
                                   const SweepOptions& options);

/// Errors: OutOfMemory when a trial that is to run does not fit the budget of a worker; names the largest of them and
/// the budget that would do for all.
core::Status requireMemory(const SweepPlan& plan, const core::WorkloadSpec& workload, const SweepOptions& options);

} // namespace paretoscope::jobs
