// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/marked_value.h"

#include "core/base/json_fields.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace paretoscope::core {

namespace {

/// All of `digits` as an integer of `base`, in int64 or uint64.
std::optional<Json> parseInteger(std::string_view digits, int base, bool negative)
{
    std::uint64_t magnitude = 0;
    const char* end = digits.data() + digits.size();
    const auto [last, failure] = std::from_chars(digits.data(), end, magnitude, base);
    if (failure != std::errc() || last != end || digits.empty())
        return std::nullopt;
    constexpr auto kMax = static_cast<std::uint64_t>(INT64_MAX);
    if (negative && magnitude > kMax)
        return std::nullopt;
    if (negative)
        return Json(-static_cast<std::int64_t>(magnitude));
    return magnitude > kMax ? Json(magnitude) : Json(static_cast<std::int64_t>(magnitude));
}

std::optional<Json> parseNumber(std::string_view text)
{
    const bool negative = text.front() == '-';
    const bool hasSign = negative || text.front() == '+';
    const std::string_view magnitude = text.substr(hasSign ? 1 : 0);
    if (!hasSign && magnitude.substr(0, 2) == "0x")
        return parseInteger(magnitude.substr(2), 16, false);
    if (!hasSign && magnitude.substr(0, 2) == "0o")
        return parseInteger(magnitude.substr(2), 8, false);
    // from_chars would also take "inf" and "nan".
    if (magnitude.empty() || magnitude.find_first_not_of("0123456789.eE+-") != std::string_view::npos)
        return std::nullopt;
    if (auto integer = parseInteger(magnitude, 10, negative))
        return integer;
    double number = 0;
    const char* end = magnitude.data() + magnitude.size();
    const auto [last, failure] = std::from_chars(magnitude.data(), end, number);
    if (failure != std::errc() || last != end || magnitude.front() == '-')
        return std::nullopt;
    return Json(negative ? -number : number);
}

} // namespace

std::string SourceText::where(Place place) const
{
    if (place.override >= 0)
        return "--set " + overrides[static_cast<std::size_t>(place.override)];
    const IncludedText* const other =
        place.file > 0 ? included[static_cast<std::size_t>(place.file - 1)].get() : nullptr;
    const std::string_view whole = other ? std::string_view(other->text) : text;
    const std::string_view before = whole.substr(0, std::min(place.offset, whole.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1; // npos + 1 is 0
    const auto column =
        1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(start), before.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        }); // not inside a character
    return (other ? other->name : name) + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Error SourceText::error(Place place, std::string_view message, std::string hint, ErrorCode code) const
{
    return {code, where(place) + ": " + std::string(message), std::move(hint)};
}

Error SourceText::error(Place place, const Error& problem) const
{
    return problem.withContext(where(place));
}

MarkedValue* MarkedValue::find(std::string_view key)
{
    const auto found = std::find(keys.begin(), keys.end(), key);
    return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

const MarkedValue* MarkedValue::find(std::string_view key) const
{
    return const_cast<MarkedValue*>(this)->find(key);
}

void MarkedValue::set(std::string_view key, MarkedValue value)
{
    if (MarkedValue* present = find(key)) {
        *present = std::move(value);
        return;
    }
    keys.emplace_back(key);
    keyPlaces.push_back(value.place);
    items.push_back(std::move(value));
}

Json MarkedValue::toJson() const
{
    if (kind == Kind::Scalar)
        return scalar;
    Json json = kind == Kind::Map ? Json::object() : Json::array();
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (kind == Kind::Map)
            json[keys[i]] = items[i].toJson();
        else
            json.push_back(items[i].toJson());
    }
    return json;
}

std::string MarkedValue::shown() const
{
    return shownValue(toJson());
}

Json plainScalar(std::string_view text)
{
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
        return nullptr;
    if (text == "true" || text == "True" || text == "TRUE")
        return true;
    if (text == "false" || text == "False" || text == "FALSE")
        return false;
    if (auto number = parseNumber(text))
        return *std::move(number);
    return std::string(text);
}

} // namespace paretoscope::core
