// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/plugin/manifest.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace paretoscope::core {

namespace {

constexpr double kExactIntegers = 9007199254740992.0; // 2^53

std::string plainText(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string joined(const std::vector<Json>& values)
{
    std::string text;
    for (const Json& value : values)
        text += (text.empty() ? "" : ", ") + plainText(value);
    return text;
}

std::string boundText(double bound)
{
    return canonicalJson(bound);
}

/// "from 2 to 8", "above 0 and at most 1", "at least 1", or nothing.
std::string rangeText(const ParameterSpec& spec)
{
    if (spec.minimum && spec.maximum && !spec.minimumExcluded)
        return " from " + boundText(*spec.minimum) + " to " + boundText(*spec.maximum);
    std::string text;
    if (spec.minimum)
        text += (spec.minimumExcluded ? " above " : " of at least ") + boundText(*spec.minimum);
    if (spec.maximum)
        text += (spec.minimum ? " and at most " : " of at most ") + boundText(*spec.maximum);
    return text;
}

std::string numberText(const ParameterSpec& spec, std::string_view noun)
{
    std::string text(noun);
    text += rangeText(spec);
    if (!spec.unit.empty())
        text += " " + spec.unit;
    if (!spec.special.empty())
        text += ", or " + joined(spec.special);
    return text;
}

/// An integral number as integer, others as they are; nothing when it is no finite number.
std::optional<Json> normalisedNumber(const Json& value)
{
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t(INT64_MAX))
        return value;
    if (value.is_number_integer())
        return Json(value.get<std::int64_t>()); // signed, so that equal values compare and print equal
    if (!value.is_number_float())
        return std::nullopt;
    const double number = value.get<double>();
    if (!std::isfinite(number))
        return std::nullopt;
    if (number == std::trunc(number) && std::fabs(number) < kExactIntegers)
        return Json(static_cast<std::int64_t>(number));
    return value;
}

bool isInRange(const ParameterSpec& spec, const Json& number)
{
    if (std::find(spec.special.begin(), spec.special.end(), number) != spec.special.end())
        return true;
    const auto value = number.get<double>();
    const bool low = spec.minimum && (spec.minimumExcluded ? value <= *spec.minimum : value < *spec.minimum);
    return !low && !(spec.maximum && value > *spec.maximum);
}

/// A value of `type` in its one spelling; nothing when it is not one.
std::optional<Json> convert(const ParameterSpec& spec, ParameterType type, const Json& given)
{
    switch (type) {
    case ParameterType::Integer:
    case ParameterType::Number: {
        std::optional<Json> number = normalisedNumber(given);
        if (!number || (type == ParameterType::Integer && !number->is_number_integer()) || !isInRange(spec, *number))
            return std::nullopt;
        return number;
    }
    case ParameterType::Boolean:
        return given.is_boolean() ? std::optional(given) : std::nullopt;
    case ParameterType::Text:
    case ParameterType::Choice:
        return given.is_string() ? std::optional(given) : std::nullopt;
    case ParameterType::List: {
        Json list = Json::array();
        for (const Json& item : given.is_array() ? given : Json::array({given})) {
            std::optional<Json> converted = convert(spec, spec.itemType, item);
            if (!converted)
                return std::nullopt;
            list.push_back(*std::move(converted));
        }
        return list;
    }
    }
    return std::nullopt;
}

/// The remedy for a value that was refused.
std::string hintFor(const ParameterSpec& spec, const Json& given)
{
    if (given.is_string() && spec.type == ParameterType::Choice) {
        std::vector<std::string> known;
        for (const Json& value : spec.allowed)
            known.push_back(plainText(value));
        if (const auto near = nearMiss(given.get<std::string>(), known))
            return "did you mean \"" + *near + "\"?";
    }
    if (given.is_string() && spec.type == ParameterType::Boolean)
        return "write true or false, without quotes";
    if (given.is_string() && (spec.type == ParameterType::Integer || spec.type == ParameterType::Number))
        return "write the number without quotes";
    return "give " + spec.allowedText();
}

} // namespace

std::string ParameterSpec::allowedText() const
{
    if (!allowed.empty())
        return allowed.size() == 1 ? joined(allowed) : "one of " + joined(allowed);
    switch (type) {
    case ParameterType::Integer:
        return numberText(*this, "an integer");
    case ParameterType::Number:
        return numberText(*this, "a number");
    case ParameterType::Boolean:
        return "true or false";
    case ParameterType::Text:
    case ParameterType::Choice:
        return "a text";
    case ParameterType::List:
        if (itemType == ParameterType::Integer)
            return "a list of integers, each" + numberText(*this, "");
        if (itemType == ParameterType::Number)
            return "a list of numbers, each" + numberText(*this, "");
        return "a list of texts";
    }
    return {};
}

Result<Json> resolveParameter(const PluginManifest& manifest, const ParameterSpec& parameter, const Json& given)
{
    std::optional<Json> value = convert(parameter, parameter.type, given);
    const std::vector<Json>& allowed = parameter.allowed;
    if (value && (allowed.empty() || std::find(allowed.begin(), allowed.end(), *value) != allowed.end()))
        return *std::move(value);
    return Error {ErrorCode::InvalidArgument,
                  manifest.id + ": " + parameter.name + " is " + shownValue(given) + ", not " + parameter.allowedText(),
                  hintFor(parameter, given)};
}

Result<Json> resolveParameters(const PluginManifest& manifest, const Json& given)
{
    if (!given.is_object() && !given.is_null())
        return Error {ErrorCode::InvalidArgument, manifest.id + ": " + shownValue(given) + " are not parameters",
                      "write {name: value, ...}"};
    for (const auto& [name, value] : given.items()) {
        if (manifest.parameter(name))
            continue;
        std::vector<std::string> known;
        for (const ParameterSpec& spec : manifest.parameters)
            known.push_back(spec.name);
        return Error {ErrorCode::InvalidArgument, manifest.id + " has no parameter " + shownValue(name),
                      suggestion(name, known)};
    }
    Json resolved = Json::object();
    for (const ParameterSpec& spec : manifest.parameters) {
        const auto found = given.find(spec.name);
        if (found != given.end()) {
            PSC_ASSIGN(resolved[spec.name], resolveParameter(manifest, spec, *found));
        } else if (spec.defaultValue.is_null()) {
            return Error {ErrorCode::InvalidArgument, manifest.id + ": " + spec.name + " has no default and is missing",
                          "give " + spec.allowedText()};
        } else {
            resolved[spec.name] = spec.defaultValue;
        }
    }
    return resolved;
}

} // namespace paretoscope::core
