// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/sweep_runner.h"

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
    std::vector<int> open() const;         ///< indices of the trials that are to run
};

/// Checks what does not depend on sweep or project. Errors: InvalidArgument, naming option and value.
core::Status checkOptions(const SweepOptions& options);

/// Where the packed compressed models of a project lie.
std::filesystem::path artifactFolder(const SweepOptions& options, const std::filesystem::path& project);

/// Selects by shard (every n-th trial of the whole sweep, so that shards of one sweep never overlap) and then by
/// `only`, and compares with what the project holds.
/// Errors: InvalidArgument (`only` matches nothing; with the near label).
core::Result<PreparedSweep> prepareSweep(const core::Sweep& sweep, const core::WorkloadIdentity& identity,
                                         const SweepOptions& options, const std::vector<core::TrialRecord>& recorded);

} // namespace paretoscope::jobs
