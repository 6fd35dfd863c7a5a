// SPDX-License-Identifier: Apache-2.0
#include "core/project/stored_json.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

constexpr int kMaxDepth = 64;

/// How deep arrays and objects lie in each other; `text` need not be valid.
int nesting(std::string_view text)
{
    int depth = 0;
    int deepest = 0;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString && c == '\\')
            ++i;
        else if (c == '"')
            inString = !inString;
        else if (!inString && (c == '[' || c == '{'))
            deepest = std::max(deepest, ++depth);
        else if (!inString && (c == ']' || c == '}'))
            --depth;
    }
    return deepest;
}

} // namespace

std::optional<std::string> storedJson(const Json& value)
{
    if (value.is_null())
        return std::nullopt;
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json jsonFromStored(std::string_view text)
{
    if (text.empty())
        return nullptr;
    if (nesting(text) > kMaxDepth)
        return {{"unreadable", "nested deeper than " + std::to_string(kMaxDepth) + " levels"}};
    Json value = Json::parse(text, nullptr, false);
    if (value.is_discarded())
        return {{"unreadable", "damaged JSON of " + std::to_string(text.size()) + " bytes"}};
    return value;
}

} // namespace paretoscope::core
