// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/trial_tree.h"
#include "jobs/sweep_planning.h"

#include <vector>

namespace paretoscope::jobs {

/// The open trials of a sweep by what they share, and what of it the cache holds already.
struct SharedWork
{
    core::TrialTree tree;
    std::vector<bool> cached; ///< by node; only statistics and stages ever are
};

/// Looks for names in the cache folder and reads hardly any content: what is damaged shows when it is used.
SharedWork sharedWork(const core::Sweep& sweep, const core::WorkloadIdentity& identity, const PreparedSweep& prepared,
                      const SweepOptions& options);

} // namespace paretoscope::jobs
