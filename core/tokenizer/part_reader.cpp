// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/part_reader.h"

#include "core/base/near_miss.h"
#include "core/tokenizer/utf8.h"

namespace paretoscope::core {

namespace {

const Json& emptyArray()
{
    static const Json value = Json::array();
    return value;
}

const Json& emptyObject()
{
    static const Json value = Json::object();
    return value;
}

const Json& nullValue()
{
    static const Json value;
    return value;
}

constexpr std::string_view kSaveAgain = "save the tokenizer again with the library that made it";

} // namespace

std::string shortJson(const Json& value)
{
    constexpr std::size_t kLongest = 60;
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace); // ASCII: cutting splits no character
    if (text.size() > kLongest)
        text = text.substr(0, kLongest) + "...";
    return text;
}

Error unknownPart(std::string_view place, std::string_view type, const std::vector<std::string>& known)
{
    constexpr std::size_t kLongestName = 60; // a name of a hostile file may be megabytes long
    return {ErrorCode::Unsupported, std::string(place) + " " + shortJson(Json(type)) + " is not known",
            suggestion(type.substr(0, kLongestName), known)};
}

PartReader::PartReader(const Json& part, std::string place)
    : m_part(part)
    , m_place(std::move(place))
{
    if (!m_part.is_object())
        fail(ErrorCode::Corrupt, m_place + " must be an object, but is " + shortJson(part), std::string(kSaveAgain));
}

std::string PartReader::placeOf(std::string_view key) const
{
    return m_place + "." + std::string(key);
}

bool PartReader::has(std::string_view key) const
{
    return m_part.is_object() && m_part.contains(key);
}

const Json* PartReader::find(std::string_view key)
{
    m_known.emplace(key);
    if (!m_part.is_object())
        return nullptr;
    const auto found = m_part.find(key);
    return found == m_part.end() ? nullptr : &*found;
}

void PartReader::fail(ErrorCode code, std::string message, std::string hint)
{
    if (!m_error)
        m_error = Error {code, std::move(message), std::move(hint)};
}

void PartReader::mistyped(std::string_view key, std::string_view expected)
{
    const Json* value = find(key);
    const std::string is = value ? "is " + shortJson(*value) : std::string("is missing");
    fail(ErrorCode::Corrupt, placeOf(key) + " must be " + std::string(expected) + ", but " + is,
         std::string(kSaveAgain));
}

std::string PartReader::type()
{
    return string("type");
}

bool PartReader::boolean(std::string_view key, std::optional<bool> fallback)
{
    const Json* value = find(key);
    if (value && value->is_boolean())
        return value->get<bool>();
    if (value || !fallback)
        mistyped(key, "true or false");
    return fallback.value_or(false);
}

std::string PartReader::string(std::string_view key, std::optional<std::string> fallback)
{
    const Json* value = find(key);
    if (value && value->is_string())
        return value->get<std::string>();
    if (value || !fallback)
        mistyped(key, "a string");
    return fallback.value_or(std::string());
}

std::optional<std::string> PartReader::stringOrNull(std::string_view key)
{
    const Json* value = find(key);
    if (!value || value->is_null())
        return std::nullopt;
    if (!value->is_string()) {
        mistyped(key, "a string or null");
        return std::nullopt;
    }
    return value->get<std::string>();
}

char32_t PartReader::character(std::string_view key, std::optional<char32_t> fallback)
{
    const Json* value = find(key);
    if (!value && fallback)
        return *fallback;
    const std::string text = value && value->is_string() ? value->get<std::string>() : std::string();
    if (!text.empty()) {
        std::size_t at = 0;
        const char32_t point = nextCodePoint(text, at);
        if (at == text.size())
            return point;
    }
    mistyped(key, "a string of one character");
    return fallback.value_or(U' ');
}

std::int64_t PartReader::integer(std::string_view key, std::int64_t least, std::int64_t most,
                                 std::optional<std::int64_t> fallback)
{
    const Json* value = find(key);
    if (!value && fallback)
        return *fallback;
    if (value && value->is_number_integer()) {
        // An unsigned value above the range of int64 reads as a negative one, which every range here excludes.
        const auto number = value->get<std::int64_t>();
        if (number >= least && number <= most)
            return number;
    }
    mistyped(key, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback.value_or(least);
}

const Json& PartReader::array(std::string_view key)
{
    const Json* value = find(key);
    if (value && value->is_array())
        return *value;
    mistyped(key, "an array");
    return emptyArray();
}

const Json& PartReader::object(std::string_view key)
{
    const Json* value = find(key);
    if (value && value->is_object())
        return *value;
    mistyped(key, "an object");
    return emptyObject();
}

const Json& PartReader::any(std::string_view key)
{
    const Json* value = find(key);
    return value ? *value : nullValue();
}

void PartReader::ignore(std::string_view key)
{
    m_known.emplace(key);
}

Status PartReader::finish()
{
    if (m_error)
        return *m_error;
    for (const auto& [key, value] : m_part.items()) {
        if (!m_known.contains(key)) {
            return Error {ErrorCode::Unsupported,
                          m_place + " has the field " + shortJson(Json(key)) + " = " + shortJson(value) +
                              ", which is not known",
                          "a newer version of the library wrote it; it may change the ids, so it is not ignored"};
        }
    }
    return success();
}

} // namespace paretoscope::core
