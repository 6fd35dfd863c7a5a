// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// The hint of every error about a configuration.
inline constexpr const char* kConfigHint = "compare config.json with the one the model was published with";

/// Looks up the values that a family file asks for in one configuration.
///
/// A value in a family file is
///   a literal;
///   {"key": "a" | ["a", "b.c"], "default": value, "null": value}: what the configuration says at one of these dotted
///       paths (an error when two contradict each other); the default when all are absent, or null and "null" is not
///       given; an error without a default;
///   {"key": …, "values": {TEXT: value, ...}, "default": value}: the value for what the key says, which may also be
///       true or false ("true", "false"); another is refused;
///   {"case": NAME, KIND: value, ...}: the value of the kind that the current layer has by `layer_kinds`.NAME;
///   {"sqrt": value} or {"inverse_sqrt": value}.
/// Where a number is wanted, a text names a dimension, "4*hidden_size" or the exact "hidden_size/attention_heads";
/// "layer_number" is the current layer, counted from 1.
class FamilyValues
{
public:
    FamilyValues(const Json& config, std::string family)
        : m_config(config)
        , m_family(std::move(family))
    {}

    const std::string& family() const { return m_family; }

    /// Follows choices by layer. The result is `spec` or lives inside of it. Errors: Unsupported (a kind of layer that
    /// the family file does not describe).
    Result<const Json*> choose(const Json& spec) const;
    /// Errors: Corrupt (key missing and no default); as choose().
    Result<Json> value(const Json& spec) const;
    /// Errors: as above; Corrupt (wrong type; names key and value).
    Result<double> number(const Json& spec) const;
    Result<bool> boolean(const Json& spec) const;
    Result<std::string> text(const Json& spec) const;
    /// An integer in [0, 2^31); null is 0.
    Result<std::int64_t> size(const Json& spec) const;
    /// As size, and later values may name it.
    Result<std::int64_t> dimension(std::string_view name, const Json& spec);

    /// The kinds of the layer that `choose` answers for: name of the rule list to kind.
    void setLayer(std::int64_t layer, std::map<std::string, std::string, std::less<>> kinds);
    std::int64_t layer() const { return m_layer; }

    /// An error of the family file itself, not of the model.
    Error familyError(std::string_view problem) const;
    /// Errors: `object` has a member that is not among `known`, or is no object; names it.
    Status requireMembers(const Json& object, std::string_view what,
                          std::initializer_list<std::string_view> known) const;

private:
    struct Found
    {
        const Json* node = nullptr;
        bool inConfig = false; ///< else in the family file
    };
    Result<Found> find(const Json& spec) const;
    Result<const Json*> mappedValue(const Json& spec, const Json& stated) const;
    /// What the configuration states at the keys of a lookup; may be null. nullptr: nothing.
    Result<const Json*> stated(const Json& lookup) const;
    Error wrongType(const Json& spec, const Json& value, std::string_view wanted) const;
    Result<double> root(const Json& spec) const;
    Result<std::int64_t> derived(const std::string& expression) const;

    const Json& m_config;
    std::string m_family;
    std::map<std::string, std::int64_t, std::less<>> m_dimensions;
    std::int64_t m_layer = 0;
    std::map<std::string, std::string, std::less<>> m_kinds;
};

/// Every path into the configuration that the values of a family file mention.
std::set<std::string> mentionedKeys(const Json& family);

} // namespace paretoscope::core
