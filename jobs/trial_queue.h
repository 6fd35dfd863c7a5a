// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/sweep.h"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

/// The open trials of a sweep in an order that keeps warm what they share, dealt out to workers.
/// The baseline comes first (every other number is read against it), then pipelines that read no calibration data, then
/// the others; pipelines with equal beginnings follow each other. A worker stays within the group it is in (the trials
/// with the same first method) while that has trials, so that statistics are gathered on as few workers as possible.
/// Trials are named by their index.
class TrialQueue
{
public:
    TrialQueue() = default;
    /// @param open  indices into `trials`
    TrialQueue(const std::vector<core::PlannedTrial>& trials, const std::vector<int>& open);

    /// The next trial for this worker; nothing when there is none.
    std::optional<int> take(int worker);
    /// What take() would give.
    std::optional<int> peek(int worker) const;
    /// A trial whose worker was lost: it is the next one to be dealt out.
    void putBack(int trial) { m_again.push_back(trial); }
    int size() const;
    void clear();

private:
    struct Group
    {
        std::deque<int> trials;
        std::vector<int> workers; ///< that are in it
    };
    std::optional<std::size_t> groupFor(int worker) const;

    std::deque<int> m_again;
    std::vector<Group> m_groups;
};

} // namespace paretoscope::jobs
