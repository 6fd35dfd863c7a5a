// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::core {

/// Words and their values, searched byte by byte. Immutable.
class ByteTrie
{
public:
    static constexpr std::uint32_t kNone = 0xffffffffU;
    static constexpr std::uint32_t kRoot = 0;

    /// Of equal words the first one counts; empty ones are ignored.
    explicit ByteTrie(std::vector<std::pair<std::string, std::int32_t>> words = {});

    bool empty() const { return m_nodes.size() == 1; }
    /// The node reached from `node` by one more byte, or kNone.
    std::uint32_t step(std::uint32_t node, char byte) const
    {
        if (node == kRoot)
            return m_rootSteps[static_cast<unsigned char>(byte)];
        return stepBelowRoot(node, static_cast<unsigned char>(byte));
    }
    /// The value of the word that ends at `node`, or -1.
    std::int32_t value(std::uint32_t node) const { return m_nodes[node].value; }

private:
    struct Node
    {
        std::uint32_t firstChild = 0; ///< children lie side by side, by byte
        std::uint16_t children = 0;
        std::uint8_t byte = 0;
        std::int32_t value = -1;
    };
    std::uint32_t stepBelowRoot(std::uint32_t node, unsigned char byte) const;

    std::vector<Node> m_nodes;
    std::array<std::uint32_t, 256> m_rootSteps {};
};

} // namespace paretoscope::core
