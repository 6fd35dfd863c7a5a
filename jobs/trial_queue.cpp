// SPDX-License-Identifier: Apache-2.0
#include "jobs/trial_queue.h"

#include <algorithm>

namespace paretoscope::jobs {

TrialQueue::TrialQueue(core::TrialTree tree)
    : m_tree(std::move(tree))
{
    for (std::size_t node = 0; node < m_tree.nodes().size(); ++node) {
        m_left.push_back(m_tree.nodes()[node].trials);
        m_next.push_back(m_tree.nodes()[node].end);
    }
}

/// Whether another worker had its last trial there.
bool TrialQueue::isTouched(int node, int worker) const
{
    return std::any_of(m_lastLeaves.begin(), m_lastLeaves.end(),
                       [&](const auto& last) { return last.first != worker && m_tree.contains(node, last.second); });
}

/// The first node from this one on, among siblings up to `end`, with trials left. What has none will never have any
/// again, so the way past it is remembered: a hundred thousand siblings are not looked at for every trial.
int TrialQueue::openFrom(int node, int end) const
{
    int open = node;
    while (open < end && m_left[std::size_t(open)] == 0)
        open = m_next[std::size_t(open)];
    while (node < open) {
        const int next = m_next[std::size_t(node)];
        m_next[std::size_t(node)] = open;
        node = next;
    }
    return open;
}

/// The child to go on with: the first one in which nobody works, else the one with the most left.
int TrialQueue::childFor(int node, int worker) const
{
    const int end = m_tree.nodes()[std::size_t(node)].end;
    int fullest = -1;
    for (int child = openFrom(node + 1, end); child < end;
         child = openFrom(m_tree.nodes()[std::size_t(child)].end, end)) {
        if (!isTouched(child, worker))
            return child;
        if (fullest < 0 || m_left[std::size_t(child)] > m_left[std::size_t(fullest)])
            fullest = child;
    }
    return fullest;
}

int TrialQueue::nextLeaf(int worker) const
{
    // Up from the last trial to where something is left, then down.
    int node = 0;
    if (const auto last = m_lastLeaves.find(worker); last != m_lastLeaves.end()) {
        node = last->second;
        while (m_left[std::size_t(node)] == 0)
            node = m_tree.nodes()[std::size_t(node)].parent;
    }
    while (m_tree.nodes()[std::size_t(node)].kind != core::TrialTree::Kind::Measurements)
        node = childFor(node, worker);
    return node;
}

std::optional<int> TrialQueue::peek(int worker) const
{
    if (!m_again.empty())
        return m_again.front();
    if (size() == 0)
        return std::nullopt;
    return m_tree.order()[std::size_t(m_tree.nodes()[std::size_t(nextLeaf(worker))].firstTrial)];
}

std::optional<int> TrialQueue::take(int worker)
{
    const std::optional<int> trial = peek(worker);
    if (!trial)
        return trial;
    const int leaf = m_tree.leafOf(*trial);
    m_lastLeaves[worker] = leaf;
    if (!m_again.empty()) {
        m_again.pop_front();
        return trial;
    }
    for (int node = leaf; node >= 0; node = m_tree.nodes()[std::size_t(node)].parent)
        --m_left[std::size_t(node)];
    return trial;
}

std::vector<int> TrialQueue::sharedBeginnings(int trial) const
{
    std::vector<int> shared;
    for (int node = m_tree.leafOf(trial); node >= 0; node = m_tree.nodes()[std::size_t(node)].parent) {
        const core::TrialTree::Node& place = m_tree.nodes()[std::size_t(node)];
        if (place.kind != core::TrialTree::Kind::Stage)
            continue;
        const bool isAwaited = std::any_of(m_again.begin(), m_again.end(),
                                           [&](int again) { return m_tree.contains(node, m_tree.leafOf(again)); });
        if (isAwaited || m_left[std::size_t(node)] > 0)
            shared.insert(shared.begin(), place.steps);
    }
    return shared;
}

int TrialQueue::size() const
{
    return static_cast<int>(m_again.size()) + (m_left.empty() ? 0 : m_left.front());
}

void TrialQueue::clear()
{
    *this = TrialQueue();
}

} // namespace paretoscope::jobs
