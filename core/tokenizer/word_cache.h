// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Remembers the ids of pieces seen before. Bounded: when it is full it starts again from empty.
class WordCache
{
public:
    static constexpr std::size_t kLongestWord = 256; ///< longer pieces hardly ever come again

    struct Lookup
    {
        std::size_t slot = 0;
        std::uint32_t hash = 0;
        bool found = false;
        std::span<const std::int32_t> ids; ///< valid until the next `insert`
    };

    WordCache();
    Lookup find(std::string_view word) const;
    /// `missed` is the failed look-up of `word`, with no insertion since.
    void insert(const Lookup& missed, std::string_view word, std::span<const std::int32_t> ids);

private:
    struct Entry
    {
        std::uint32_t hash = 0;
        std::uint32_t textOffset = 0;
        std::uint32_t idOffset = 0;
        std::uint16_t textLength = 0; ///< 0 = free; the empty word is never cached
        std::uint16_t idCount = 0;
    };
    void clear();

    std::vector<Entry> m_entries; ///< open addressing
    std::string m_texts;
    std::vector<std::int32_t> m_ids;
    std::size_t m_used = 0;
};

} // namespace paretoscope::core
