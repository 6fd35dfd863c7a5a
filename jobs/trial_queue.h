// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/trial_tree.h"

#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace paretoscope::jobs {

/// The open trials of a sweep, dealt out to workers so that what they share is computed as seldom as possible.
/// The baseline comes first (every other number is read against it); then the tree is gone through depth first. A
/// worker goes on with the trial that has most in common with its last one; where nothing is left it takes a branch in
/// which nobody works, and without one it helps where most is left. The same calls give the same trials. Trials are
/// named by their index.
class TrialQueue
{
public:
    TrialQueue() = default;
    explicit TrialQueue(core::TrialTree tree);

    /// The next trial for this worker; nothing when there is none.
    std::optional<int> take(int worker);
    /// What take() would give.
    std::optional<int> peek(int worker) const;
    /// A trial whose worker was lost: it is the next one to be dealt out.
    void putBack(int trial) { m_again.push_back(trial); }
    /// How many stages this trial has in common with trials that are still to be dealt out, each number once, rising:
    /// the model after so many stages will be needed again.
    std::vector<int> sharedBeginnings(int trial) const;
    int size() const;
    void clear();

private:
    bool isTouched(int node, int worker) const;
    int openFrom(int node, int end) const;
    int childFor(int node, int worker) const;
    int nextLeaf(int worker) const;

    core::TrialTree m_tree;
    std::deque<int> m_again;
    std::vector<int> m_left;         ///< by node: trials beneath that were not dealt out
    std::map<int, int> m_lastLeaves; ///< by worker
    mutable std::vector<int> m_next; ///< by node: no sibling between it and this number has trials left
};

} // namespace paretoscope::jobs
