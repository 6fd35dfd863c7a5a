// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/marked_fields.h"

#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>

namespace paretoscope::core {

Result<MarkedFields> MarkedFields::of(const SourceText& source, const MarkedValue& value, std::string what)
{
    if (!value.isMap())
        return source.error(value.place, (what.empty() ? "the file" : what) + " holds " + value.shown() + ", not keys",
                            "write key: value there");
    return MarkedFields(source, value, std::move(what));
}

const MarkedValue* MarkedFields::find(std::string_view key)
{
    if (std::find(m_asked.begin(), m_asked.end(), key) == m_asked.end())
        m_asked.emplace_back(key);
    return m_map->find(key);
}

Result<const MarkedValue*> MarkedFields::required(std::string_view key, std::string_view hint)
{
    if (const MarkedValue* value = find(key))
        return value;
    return m_source->error(m_map->place, pathOf(key) + " is missing", std::string(hint));
}

Status MarkedFields::refuseUnknown() const
{
    for (std::size_t i = 0; i < m_map->keys.size(); ++i) {
        const std::string& key = m_map->keys[i];
        if (std::find(m_asked.begin(), m_asked.end(), key) == m_asked.end())
            return m_source->error(placeOfEntry(*m_map, i),
                                   (m_what.empty() ? "" : m_what + ": ") + "unknown key " + shownValue(key),
                                   suggestion(key, m_asked));
    }
    return success();
}

std::string MarkedFields::pathOf(std::string_view key) const
{
    return m_what.empty() ? std::string(key) : m_what + "." + std::string(key);
}

Place placeOfEntry(const MarkedValue& map, std::size_t index)
{
    const Place value = map.items[index].place;
    return value.override >= 0 ? value : map.keyPlaces[index];
}

Result<std::string> textOf(const SourceText& source, const MarkedValue& value, std::string_view what)
{
    if (value.kind != MarkedValue::Kind::Scalar || value.isNull() || value.text.empty())
        return source.error(value.place, std::string(what) + " is " + value.shown() + ", not a text",
                            "write a text there");
    if (!isPlainText(value.text)) // "\n" and the like: escapes can write what the file itself must not hold
        return source.error(value.place, std::string(what) + " holds a control character: " + value.shown(),
                            "write it in one line");
    return value.text;
}

Result<std::uint64_t> unsignedOf(const SourceText& source, const MarkedValue& value, std::string_view what)
{
    const Json& number = value.scalar;
    if (number.is_number_unsigned() || (number.is_number_integer() && number.get<std::int64_t>() >= 0))
        return number.get<std::uint64_t>();
    return source.error(value.place,
                        std::string(what) + " is " + value.shown() + ", not an integer from 0 to 18446744073709551615",
                        "write an integer there");
}

} // namespace paretoscope::core
