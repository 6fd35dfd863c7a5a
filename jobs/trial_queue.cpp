// SPDX-License-Identifier: Apache-2.0
#include "jobs/trial_queue.h"

#include <algorithm>

namespace paretoscope::jobs {

namespace {

/// Numbers for spellings in the order in which they first come up.
class FirstSeen
{
public:
    int operator()(const std::string& spelling)
    {
        return m_numbers.try_emplace(spelling, static_cast<int>(m_numbers.size())).first->second;
    }

private:
    std::map<std::string, int> m_numbers;
};

/// Sorting by these keys puts equal beginnings of pipelines together without tearing the file's order further apart
/// than that needs: per stage the method, then its parameters.
std::vector<int> orderKey(const core::Pipeline& pipeline, FirstSeen& seen)
{
    std::vector<int> key {pipeline.stages.empty() ? 0 : pipeline.needsCalibration() ? 2 : 1};
    for (const core::StageSpec& stage : pipeline.stages) {
        const std::string method = stage.plugin + '@' + stage.version;
        key.push_back(seen(method));
        key.push_back(seen(method + core::canonicalJson(stage.parameters)));
    }
    return key;
}

/// Trials with the same calibration need and first method.
std::vector<int> groupKey(const std::vector<int>& orderKey)
{
    return {orderKey.begin(), orderKey.begin() + std::min<std::ptrdiff_t>(2, std::ssize(orderKey))};
}

} // namespace

TrialQueue::TrialQueue(const std::vector<core::PlannedTrial>& trials, const std::vector<int>& open)
{
    FirstSeen seen;
    std::vector<std::pair<std::vector<int>, int>> ordered;
    for (const int trial : open)
        ordered.emplace_back(orderKey(trials[std::size_t(trial)].pipeline, seen), trial);
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

    std::optional<std::vector<int>> current;
    for (const auto& [key, trial] : ordered) {
        if (current != groupKey(key)) {
            current = groupKey(key);
            m_groups.emplace_back();
        }
        m_groups.back().trials.push_back(trial);
    }
}

/// The group the worker is in; else the first one nobody is in; else the one with the most left to do.
std::optional<std::size_t> TrialQueue::groupFor(int worker) const
{
    std::optional<std::size_t> untouched;
    std::optional<std::size_t> largest;
    for (std::size_t i = 0; i < m_groups.size(); ++i) {
        const Group& group = m_groups[i];
        if (group.trials.empty())
            continue;
        if (std::find(group.workers.begin(), group.workers.end(), worker) != group.workers.end())
            return i;
        if (group.workers.empty() && !untouched)
            untouched = i;
        if (!largest || group.trials.size() > m_groups[*largest].trials.size())
            largest = i;
    }
    return untouched ? untouched : largest;
}

std::optional<int> TrialQueue::peek(int worker) const
{
    if (!m_again.empty())
        return m_again.front();
    const auto group = groupFor(worker);
    return group ? std::optional(m_groups[*group].trials.front()) : std::nullopt;
}

std::optional<int> TrialQueue::take(int worker)
{
    if (!m_again.empty()) {
        const int trial = m_again.front();
        m_again.pop_front();
        return trial;
    }
    const auto chosen = groupFor(worker);
    if (!chosen)
        return std::nullopt;
    for (Group& group : m_groups)
        std::erase(group.workers, worker);
    Group& group = m_groups[*chosen];
    group.workers.push_back(worker);
    const int trial = group.trials.front();
    group.trials.pop_front();
    return trial;
}

int TrialQueue::size() const
{
    std::size_t size = m_again.size();
    for (const Group& group : m_groups)
        size += group.trials.size();
    return static_cast<int>(size);
}

void TrialQueue::clear()
{
    m_again.clear();
    m_groups.clear();
}

} // namespace paretoscope::jobs
