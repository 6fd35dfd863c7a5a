// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/byte_trie.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

/// The words that share the path to one node.
struct Branch
{
    std::size_t first = 0;
    std::size_t last = 0;
    std::size_t depth = 0; ///< bytes on the path
    std::uint32_t node = 0;
};

} // namespace

ByteTrie::ByteTrie(std::vector<std::pair<std::string, std::int32_t>> words)
    : m_nodes(1)
{
    std::stable_sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Branch> open {{0, words.size(), 0, kRoot}};
    for (std::size_t next = 0; next < open.size(); ++next) {
        const Branch branch = open[next];
        std::size_t i = branch.first;
        // Words that end here stand first; of equal ones the first given.
        if (i < branch.last && words[i].first.size() == branch.depth && branch.depth > 0)
            m_nodes[branch.node].value = words[i].second;
        while (i < branch.last && words[i].first.size() == branch.depth)
            ++i;
        m_nodes[branch.node].firstChild = static_cast<std::uint32_t>(m_nodes.size());
        while (i < branch.last) {
            const char byte = words[i].first[branch.depth];
            const std::size_t first = i;
            while (i < branch.last && words[i].first[branch.depth] == byte)
                ++i;
            open.push_back({first, i, branch.depth + 1, static_cast<std::uint32_t>(m_nodes.size())});
            m_nodes.push_back({.byte = static_cast<std::uint8_t>(byte)});
            ++m_nodes[branch.node].children;
        }
    }
    for (unsigned byte = 0; byte < 256; ++byte)
        m_rootSteps[byte] = stepBelowRoot(kRoot, static_cast<unsigned char>(byte));
}

std::uint32_t ByteTrie::stepBelowRoot(std::uint32_t node, unsigned char byte) const
{
    const auto begin = m_nodes.begin() + m_nodes[node].firstChild;
    const auto end = begin + m_nodes[node].children;
    const auto found = std::find_if(begin, end, [&](const Node& child) { return child.byte == byte; });
    return found == end ? kNone : static_cast<std::uint32_t>(found - m_nodes.begin());
}

} // namespace paretoscope::core
