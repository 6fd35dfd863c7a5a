// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/sweep_search.h"
#include "jobs/sweep_runner.h"

#include <memory>
#include <vector>

namespace paretoscope::jobs {

/// A plan together with what the runner needs to know about each trial; all vectors are parallel to `plan.trials`.
struct PreparedSweep
{
    SweepPlan plan;
    std::vector<std::vector<int>> missing; ///< indices into WorkloadSpec::evaluate that are still to be measured
    std::vector<bool> recorded;            ///< the project knows the trial
    std::vector<int> attempts;             ///< of earlier runs
    std::vector<bool> kept;                ///< done there, only a measurement is added: stays done whatever happens
    std::vector<bool> tried;               ///< this run has ended it, one way or another, since it was asked for last
    std::vector<int> open() const;         ///< indices of the trials that are to run

    /// Of an adaptive sweep: what chooses further trials when those of `batch` are measured. Null when there are none.
    std::unique_ptr<core::SweepSearch> search;
    std::vector<int> batch; ///< indices
};

/// Checks what does not depend on sweep or project. Errors: InvalidArgument, naming option and value.
core::Status checkOptions(const SweepOptions& options);

/// Errors: InvalidArgument (an adaptive sweep, whose trials depend on one another).
core::Status requireDivisible(const core::Sweep& sweep);
/// Errors: those of requireDivisible where the options divide the sweep; InvalidArgument (they leave trials of an
/// adaptive one out).
core::Status checkDriver(const core::Sweep& sweep, const SweepOptions& options);

/// Where the packed compressed models of a project lie.
std::filesystem::path artifactFolder(const SweepOptions& options, const std::filesystem::path& project);

/// Selects by shard (every n-th trial of the whole sweep, so that shards of one sweep never overlap) and then by
/// `only`, and compares with what the project holds. An adaptive sweep goes on up to the first batch with an open
/// trial, and refers to sweep and identity. Errors: InvalidArgument (`only` matches nothing; with the near label);
/// those of checkDriver.
core::Result<PreparedSweep> prepareSweep(const core::Sweep& sweep, const core::WorkloadIdentity& identity,
                                         const SweepOptions& options, const std::vector<core::TrialRecord>& recorded);

/// Adds the batches of an adaptive sweep that follow, up to the first one with an open trial.
/// @param recorded  what the project holds now
/// @return whether there is one; otherwise the search is over, or waits for a trial that was interrupted
bool extendSweep(PreparedSweep& prepared, const core::WorkloadIdentity& identity, const SweepOptions& options,
                 const std::vector<core::TrialRecord>& recorded);

} // namespace paretoscope::jobs
