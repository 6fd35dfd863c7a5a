// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_entries.h"

#include "core/checkpoint/gguf_bytes.h"

#include <algorithm>

namespace paretoscope::core {

GgufEntries GgufEntries::copyOf(const GgufMetadata& metadata)
{
    GgufEntries entries;
    for (const std::string& key : metadata.keys()) {
        const GgufValue& value = *metadata.find(key);
        std::string encoded;
        if (value.isArray)
            appendNumber(encoded, static_cast<std::uint32_t>(GgufValueType::Array));
        appendNumber(encoded, static_cast<std::uint32_t>(value.type));
        if (value.isArray)
            appendNumber(encoded, value.count);
        encoded.append(reinterpret_cast<const char*>(value.encoded.data()), value.encoded.size());
        entries.m_entries.emplace_back(key, std::move(encoded));
    }
    return entries;
}

void GgufEntries::setInteger(std::string_view key, std::uint32_t value)
{
    std::string encoded;
    appendNumber(encoded, value);
    set(key, GgufValueType::U32, encoded);
}

void GgufEntries::setNumber(std::string_view key, float value)
{
    std::string encoded;
    appendNumber(encoded, value);
    set(key, GgufValueType::F32, encoded);
}

void GgufEntries::setText(std::string_view key, std::string_view value)
{
    std::string encoded;
    appendText(encoded, value);
    set(key, GgufValueType::String, encoded);
}

void GgufEntries::remove(std::string_view key)
{
    std::erase_if(m_entries, [&](const auto& entry) { return entry.first == key; });
}

std::string GgufEntries::encoded() const
{
    std::string out;
    for (const auto& [key, value] : m_entries) {
        appendText(out, key);
        out += value;
    }
    return out;
}

void GgufEntries::set(std::string_view key, GgufValueType type, std::string_view value)
{
    std::string encoded;
    appendNumber(encoded, static_cast<std::uint32_t>(type));
    encoded += value;
    const auto known = std::ranges::find(m_entries, key, &std::pair<std::string, std::string>::first);
    if (known != m_entries.end())
        known->second = std::move(encoded);
    else
        m_entries.emplace_back(key, std::move(encoded));
}

} // namespace paretoscope::core
