// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Reads the fields of one JSON object. Every message names the place, the field and the offending value.
/// T is std::string, bool, int, std::int64_t, std::uint64_t or double (an integral number is an integer, 4.0 too).
/// The JSON must outlive the reader. All errors are Corrupt.
class JsonFields
{
public:
    /// Errors: `json` is not an object.
    static Result<JsonFields> of(const Json& json, std::string where);
    static Result<JsonFields> of(Json&& json, std::string where) = delete; // it would be read after its end

    /// Errors: missing, wrong type, out of T's range.
    template <typename T>
    Result<T> required(std::string_view name);
    /// `fallback` when the field is missing. Errors: wrong type, out of T's range.
    template <typename T>
    Result<T> optional(std::string_view name, T fallback);
    /// The texts of an array; empty when the field is missing.
    Result<std::vector<std::string>> texts(std::string_view name);
    /// The field itself, or nullptr when it is missing.
    const Json* find(std::string_view name);
    /// The field, whatever it is; null when it is missing.
    Json anything(std::string_view name);

    /// Errors: a field that was not asked for, with the near one.
    Status refuseUnknown() const;
    /// "where: name: problem".
    Error error(std::string_view name, std::string_view problem) const;

private:
    JsonFields(const Json& object, std::string where)
        : m_object(&object)
        , m_where(std::move(where))
    {}

    const Json* m_object;
    std::string m_where;
    std::vector<std::string> m_asked;
};

/// A value as one of the types that JsonFields reads; nothing when it is none.
template <typename T>
std::optional<T> jsonAs(const Json& value);
template <>
std::optional<std::string> jsonAs(const Json& value);
template <>
std::optional<bool> jsonAs(const Json& value);
template <>
std::optional<double> jsonAs(const Json& value);

/// A value as it may stand in a message: JSON, cut after a few dozen characters.
std::string shownValue(const Json& value);

} // namespace paretoscope::core
