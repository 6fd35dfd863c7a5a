// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace paretoscope::core {

namespace {

template <typename T>
constexpr std::string_view kTypeName = "an integer";
template <>
constexpr std::string_view kTypeName<std::string> = "a text";
template <>
constexpr std::string_view kTypeName<bool> = "true or false";
template <>
constexpr std::string_view kTypeName<double> = "a number";

} // namespace

template <typename T>
std::optional<T> jsonAs(const Json& value)
{
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
    }
    if (value.is_number_integer()) {
        const auto number = value.get<std::int64_t>();
        return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
    }
    if (value.is_number_float()) {
        constexpr double kExactIntegers = 9007199254740992.0; // 2^53
        const double number = value.get<double>();
        if (number == std::trunc(number) && std::fabs(number) <= kExactIntegers) {
            const auto integer = static_cast<std::int64_t>(number);
            return std::in_range<T>(integer) ? std::optional(static_cast<T>(integer)) : std::nullopt;
        }
    }
    return std::nullopt;
}

template <>
std::optional<std::string> jsonAs<std::string>(const Json& value)
{
    return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

template <>
std::optional<bool> jsonAs<bool>(const Json& value)
{
    return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

template <>
std::optional<double> jsonAs<double>(const Json& value)
{
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

template std::optional<int> jsonAs(const Json&);
template std::optional<std::int64_t> jsonAs(const Json&);
template std::optional<std::uint64_t> jsonAs(const Json&);

Result<JsonFields> JsonFields::of(const Json& json, std::string where)
{
    if (!json.is_object())
        return Error {ErrorCode::Corrupt, where + ": " + shownValue(json) + " is not an object", "write {...} there"};
    return JsonFields(json, std::move(where));
}

template <typename T>
Result<T> JsonFields::required(std::string_view name)
{
    const Json* value = find(name);
    if (!value)
        return error(name, "is missing");
    if (std::optional<T> converted = jsonAs<T>(*value))
        return *std::move(converted);
    return error(name, shownValue(*value) + " is not " + std::string(kTypeName<T>) +
                           (value->is_number() && !std::is_same_v<T, std::string> ? " of that range" : ""));
}

template <typename T>
Result<T> JsonFields::optional(std::string_view name, T fallback)
{
    if (!find(name))
        return fallback;
    return required<T>(name);
}

template Result<std::string> JsonFields::required(std::string_view);
template Result<bool> JsonFields::required(std::string_view);
template Result<int> JsonFields::required(std::string_view);
template Result<std::int64_t> JsonFields::required(std::string_view);
template Result<std::uint64_t> JsonFields::required(std::string_view);
template Result<double> JsonFields::required(std::string_view);
template Result<std::string> JsonFields::optional(std::string_view, std::string);
template Result<bool> JsonFields::optional(std::string_view, bool);
template Result<int> JsonFields::optional(std::string_view, int);
template Result<std::int64_t> JsonFields::optional(std::string_view, std::int64_t);
template Result<std::uint64_t> JsonFields::optional(std::string_view, std::uint64_t);
template Result<double> JsonFields::optional(std::string_view, double);

Result<std::vector<std::string>> JsonFields::texts(std::string_view name)
{
    const Json* value = find(name);
    if (!value)
        return std::vector<std::string> {};
    if (!value->is_array() || !std::all_of(value->begin(), value->end(), [](const Json& e) { return e.is_string(); }))
        return error(name, shownValue(*value) + " is not a list of texts");
    return value->get<std::vector<std::string>>();
}

const Json* JsonFields::find(std::string_view name)
{
    if (std::find(m_asked.begin(), m_asked.end(), name) == m_asked.end())
        m_asked.emplace_back(name);
    const auto found = m_object->find(std::string(name));
    return found == m_object->end() ? nullptr : &*found;
}

Json JsonFields::anything(std::string_view name)
{
    const Json* value = find(name);
    return value ? *value : Json();
}

Status JsonFields::refuseUnknown() const
{
    for (const auto& [key, value] : m_object->items()) {
        if (std::find(m_asked.begin(), m_asked.end(), key) == m_asked.end())
            return Error {ErrorCode::Corrupt, m_where + ": unknown key " + shownValue(key), suggestion(key, m_asked)};
    }
    return success();
}

Error JsonFields::error(std::string_view name, std::string_view problem) const
{
    return {ErrorCode::Corrupt, m_where + ": " + std::string(name) + ": " + std::string(problem), "correct that field"};
}

std::string shownValue(const Json& value)
{
    constexpr std::size_t kShown = 60;
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() <= kShown)
        return text;
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) // do not cut inside a character
        --end;
    return text.substr(0, end) + "...";
}

} // namespace paretoscope::core
