// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/word_cache.h"

#include <functional>
#include <limits>

namespace paretoscope::core {

namespace {

constexpr std::size_t kSlots = std::size_t(1) << 17; // half of them used: more words than English text of some MB has
constexpr std::size_t kMask = kSlots - 1;

} // namespace

WordCache::WordCache()
    : m_entries(kSlots)
{}

void WordCache::clear()
{
    m_entries.assign(kSlots, Entry {});
    m_texts.clear();
    m_ids.clear();
    m_used = 0;
}

WordCache::Lookup WordCache::find(std::string_view word) const
{
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view> {}(word));
    std::size_t slot = hash & kMask;
    while (m_entries[slot].textLength != 0) {
        const Entry& entry = m_entries[slot];
        if (entry.hash == hash && std::string_view(m_texts).substr(entry.textOffset, entry.textLength) == word)
            return {slot, hash, true, std::span(m_ids).subspan(entry.idOffset, entry.idCount)};
        slot = (slot + 1) & kMask;
    }
    return {slot, hash, false, {}};
}

void WordCache::insert(const Lookup& missed, std::string_view word, std::span<const std::int32_t> ids)
{
    if (word.empty() || word.size() > kLongestWord || ids.size() > std::numeric_limits<std::uint16_t>::max())
        return;
    std::size_t slot = missed.slot;
    if (m_used >= kSlots / 2) {
        clear();
        slot = missed.hash & kMask;
    }
    Entry& entry = m_entries[slot];
    entry.hash = missed.hash;
    entry.textOffset = static_cast<std::uint32_t>(m_texts.size());
    entry.idOffset = static_cast<std::uint32_t>(m_ids.size());
    entry.textLength = static_cast<std::uint16_t>(word.size());
    entry.idCount = static_cast<std::uint16_t>(ids.size());
    m_texts += word;
    m_ids.insert(m_ids.end(), ids.begin(), ids.end());
    ++m_used;
}

} // namespace paretoscope::core
