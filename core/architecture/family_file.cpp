// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/family_file.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

std::vector<std::string> keysOf(const Json& spec)
{
    const Json& key = spec.at("key");
    return key.is_array() ? key.get<std::vector<std::string>>() : std::vector<std::string> {key.get<std::string>()};
}

std::string describeKeys(const Json& spec)
{
    std::string text;
    for (const std::string& key : keysOf(spec))
        text += (text.empty() ? "\"" : "\" or \"") + key;
    return text + '"';
}

bool hasMember(const Json& spec, const char* name)
{
    return spec.is_object() && spec.contains(name);
}

/// The value at a dotted path, null included; nullptr when it is absent.
const Json* follow(const Json& config, const std::string& path)
{
    const Json* node = &config;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        const std::string key = path.substr(begin, end - begin);
        if (!node->is_object() || !node->contains(key))
            return nullptr;
        node = &node->at(key);
        begin = end + 1;
    }
    return node;
}

} // namespace

Error FamilyValues::familyError(std::string_view problem) const
{
    return {ErrorCode::Corrupt, m_family + ".json: " + std::string(problem), "correct the family file"};
}

Status FamilyValues::requireMembers(const Json& object, std::string_view what,
                                    std::initializer_list<std::string_view> known) const
{
    if (!object.is_object())
        return familyError(std::string(what) + " is " + object.dump().substr(0, 80) + ", expected an object");
    for (const auto& [name, member] : object.items()) {
        if (std::find(known.begin(), known.end(), name) == known.end())
            return familyError(std::string(what) + " has the unknown member \"" + name + '"');
    }
    return success();
}

void FamilyValues::setLayer(std::int64_t layer, std::map<std::string, std::string, std::less<>> kinds)
{
    m_layer = layer;
    m_dimensions.insert_or_assign("layer_number", layer + 1);
    m_kinds = std::move(kinds);
}

Result<const Json*> FamilyValues::choose(const Json& spec) const
{
    const Json* chosen = &spec;
    while (hasMember(*chosen, "case")) {
        const std::string name = chosen->at("case").get<std::string>();
        const auto kind = m_kinds.find(name);
        if (kind == m_kinds.end())
            return familyError("\"case\" names the unknown layer kinds \"" + name + '"');
        if (!chosen->contains(kind->second)) {
            std::vector<std::string> known;
            for (const auto& [candidate, described] : chosen->items()) {
                if (candidate != "case")
                    known.push_back(candidate);
            }
            return Error {ErrorCode::Unsupported,
                          "config.json: layer " + std::to_string(m_layer) + " is of the kind \"" + kind->second +
                              "\", which " + m_family + " models do not have",
                          suggestion(kind->second, known)};
        }
        chosen = &chosen->at(kind->second);
    }
    return chosen;
}

Result<const Json*> FamilyValues::mappedValue(const Json& spec, const Json& stated) const
{
    const Json& values = spec.at("values");
    const std::string text = stated.is_string() ? stated.get<std::string>() : stated.dump().substr(0, 80);
    if ((stated.is_string() || stated.is_boolean()) && values.contains(text))
        return &values.at(text);
    std::vector<std::string> known;
    for (const auto& [name, value] : values.items())
        known.push_back(name);
    return Error {ErrorCode::Unsupported,
                  "config.json: " + describeKeys(spec) + " is \"" + text + "\", which " + m_family +
                      " models do not know",
                  suggestion(text, known)};
}

Result<const Json*> FamilyValues::stated(const Json& lookup) const
{
    const Json* found = nullptr;
    std::string foundAt;
    for (const std::string& key : keysOf(lookup)) {
        const Json* next = follow(m_config, key);
        if (!next || (found && !found->is_null() && next->is_null()))
            continue;
        if (found && found->is_primitive() && !found->is_null() && next->is_primitive() && *found != *next)
            return Error {ErrorCode::Corrupt,
                          "config.json contradicts itself: " + foundAt + " is " + found->dump() + ", " + key + " is " +
                              next->dump(),
                          kConfigHint};
        if (!found || found->is_null()) {
            found = next;
            foundAt = key;
        }
    }
    return found;
}

Result<FamilyValues::Found> FamilyValues::find(const Json& spec) const
{
    const Json* node = &spec;
    for (;;) {
        PSC_ASSIGN(node, choose(*node));
        if (!hasMember(*node, "key"))
            return Found {node, false};
        PSC_ASSIGN(const Json* inConfig, stated(*node));
        if (inConfig && !inConfig->is_null()) {
            if (!node->contains("values"))
                return Found {inConfig, true};
            PSC_ASSIGN(node, mappedValue(*node, *inConfig));
            continue;
        }
        if (inConfig && node->contains("null"))
            node = &node->at("null");
        else if (node->contains("default"))
            node = &node->at("default");
        else
            return Error {ErrorCode::Corrupt,
                          "config.json lacks " + describeKeys(*node) + ", which " + m_family + " models need",
                          kConfigHint};
    }
}

Result<Json> FamilyValues::value(const Json& spec) const
{
    PSC_ASSIGN(const Found found, find(spec));
    return Json(*found.node);
}

Error FamilyValues::wrongType(const Json& spec, const Json& value, std::string_view wanted) const
{
    const auto chosen = choose(spec);
    const bool isLookup = chosen.ok() && hasMember(*chosen.value(), "key");
    const std::string what = isLookup ? describeKeys(*chosen.value()) : std::string("a value of the family file");
    return {ErrorCode::Corrupt,
            "config.json: " + what + " is " + value.dump().substr(0, 80) + ", expected " + std::string(wanted),
            kConfigHint};
}

Result<double> FamilyValues::root(const Json& spec) const
{
    const bool inverse = spec.contains("inverse_sqrt");
    const Json& inner = spec.at(inverse ? "inverse_sqrt" : "sqrt");
    PSC_ASSIGN(const double radicand, number(inner));
    if (!(radicand > 0))
        return wrongType(inner, radicand, "a positive number");
    return inverse ? 1.0 / std::sqrt(radicand) : std::sqrt(radicand);
}

Result<double> FamilyValues::number(const Json& spec) const
{
    PSC_ASSIGN(const Found found, find(spec));
    if (!found.inConfig && (hasMember(*found.node, "sqrt") || hasMember(*found.node, "inverse_sqrt")))
        return root(*found.node);
    if (!found.inConfig && found.node->is_string()) {
        PSC_ASSIGN(const std::int64_t named, derived(found.node->get<std::string>()));
        return static_cast<double>(named);
    }
    if (!found.node->is_number() || !std::isfinite(found.node->get<double>()))
        return wrongType(spec, *found.node, "a number");
    return found.node->get<double>();
}

Result<bool> FamilyValues::boolean(const Json& spec) const
{
    PSC_ASSIGN(const Json found, value(spec));
    if (!found.is_boolean())
        return wrongType(spec, found, "true or false");
    return found.get<bool>();
}

Result<std::string> FamilyValues::text(const Json& spec) const
{
    PSC_ASSIGN(const Json found, value(spec));
    if (!found.is_string())
        return wrongType(spec, found, "a text");
    return found.get<std::string>();
}

Result<std::int64_t> FamilyValues::derived(const std::string& expression) const
{
    if (const auto named = m_dimensions.find(expression); named != m_dimensions.end())
        return named->second;
    const std::size_t at = expression.find_first_of("*/");
    const auto operand = [&](const std::string& text) -> Result<std::int64_t> {
        if (const auto named = m_dimensions.find(text); named != m_dimensions.end())
            return named->second;
        if (!text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos)
            return std::int64_t(std::stoll(text));
        return familyError("\"" + text + "\" is not a dimension");
    };
    PSC_ASSIGN(const std::int64_t first, operand(expression.substr(0, at)));
    if (at == std::string::npos)
        return first;
    PSC_ASSIGN(const std::int64_t second, operand(expression.substr(at + 1)));
    if (expression[at] == '*') {
        if (first != 0 && second > kLargest / first)
            return Error {ErrorCode::Corrupt, "config.json: " + expression + " is too large", kConfigHint};
        return first * second;
    }
    if (second == 0 || first % second != 0)
        return Error {ErrorCode::Corrupt, "config.json: " + expression + " is not an integer", kConfigHint};
    return first / second;
}

Result<std::int64_t> FamilyValues::size(const Json& spec) const
{
    PSC_ASSIGN(const Found found, find(spec));
    const Json& stated = *found.node;
    if (stated.is_null())
        return 0;
    if (!found.inConfig && stated.is_string())
        return derived(stated.get<std::string>());
    if (!stated.is_number_integer() || stated.get<double>() < 0 || stated.get<double>() > double(kLargest))
        return wrongType(spec, stated, "a whole number between 0 and 2147483647");
    return stated.get<std::int64_t>();
}

Result<std::int64_t> FamilyValues::dimension(std::string_view name, const Json& spec)
{
    auto found = size(spec);
    if (!found.ok())
        return found.error().message.find(name) == std::string::npos ? found.error().withContext(std::string(name))
                                                                     : found.error();
    m_dimensions.insert_or_assign(std::string(name), found.value());
    return found;
}

std::set<std::string> mentionedKeys(const Json& family)
{
    std::set<std::string> keys;
    if (family.is_object() && family.contains("key")) {
        for (const std::string& key : keysOf(family))
            keys.insert(key);
    }
    if (family.is_structured()) {
        for (const Json& member : family)
            keys.merge(mentionedKeys(member));
    }
    return keys;
}

} // namespace paretoscope::core
