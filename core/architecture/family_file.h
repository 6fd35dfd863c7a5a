// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// Looks up the values that a family file asks for in one configuration, and remembers which keys were read.
///
/// A value in a family file is a literal, or {"key": "a" | ["a", "b.c"], "default": literal}: the first of the keys
/// (dotted paths into the configuration) that is present and not null, else the default, else an error.
class FamilyValues
{
public:
    FamilyValues(const Json& config, std::string family)
        : m_config(config)
        , m_family(std::move(family))
    {}

    /// Errors: Corrupt (key missing and no default).
    Result<Json> value(const Json& spec);
    /// Errors: as above; Corrupt (wrong type; names key and value).
    Result<double> number(const Json& spec);
    Result<bool> boolean(const Json& spec);
    Result<std::string> text(const Json& spec);
    /// A dimension: as number, must be an integer in [0, 2^31); its default may name another dimension or the exact
    /// quotient of two ("hidden_size/attention_heads").
    Result<std::int64_t> dimension(std::string_view name, const Json& spec);

    const std::set<std::string>& keysRead() const { return m_keysRead; } ///< top-level keys

private:
    Error wrongType(const Json& spec, const Json& value, std::string_view wanted) const;
    Result<std::int64_t> derivedDimension(std::string_view name, const std::string& expression) const;

    const Json& m_config;
    std::string m_family;
    std::set<std::string> m_keysRead;
    std::map<std::string, std::int64_t, std::less<>> m_dimensions;
};

} // namespace paretoscope::core
