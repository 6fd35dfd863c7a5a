// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/family_file.h"

#include <cmath>
#include <limits>
#include <vector>

namespace paretoscope::core {

namespace {

constexpr const char* kConfigHint = "compare config.json with the one the model was published with";

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

bool isLookup(const Json& spec)
{
    return spec.is_object() && spec.contains("key");
}

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
    return node->is_null() ? nullptr : node;
}

} // namespace

Result<Json> FamilyValues::value(const Json& spec)
{
    if (!isLookup(spec))
        return Json(spec);
    const Json* found = nullptr;
    for (const std::string& key : keysOf(spec)) {
        m_keysRead.insert(key.substr(0, key.find('.')));
        if (!found)
            found = follow(m_config, key);
    }
    if (found)
        return Json(*found);
    if (spec.contains("default"))
        return Json(spec.at("default"));
    return Error {ErrorCode::Corrupt,
                  "config.json lacks " + describeKeys(spec) + ", which " + m_family + " models need", kConfigHint};
}

Error FamilyValues::wrongType(const Json& spec, const Json& value, std::string_view wanted) const
{
    const std::string what = isLookup(spec) ? describeKeys(spec) : std::string("a value of the family file");
    return {ErrorCode::Corrupt, "config.json: " + what + " is " + value.dump() + ", expected " + std::string(wanted),
            kConfigHint};
}

Result<double> FamilyValues::number(const Json& spec)
{
    PSC_ASSIGN(const Json found, value(spec));
    if (!found.is_number() || !std::isfinite(found.get<double>()))
        return wrongType(spec, found, "a number");
    return found.get<double>();
}

Result<bool> FamilyValues::boolean(const Json& spec)
{
    PSC_ASSIGN(const Json found, value(spec));
    if (!found.is_boolean())
        return wrongType(spec, found, "true or false");
    return found.get<bool>();
}

Result<std::string> FamilyValues::text(const Json& spec)
{
    PSC_ASSIGN(const Json found, value(spec));
    if (!found.is_string())
        return wrongType(spec, found, "a text");
    return found.get<std::string>();
}

Result<std::int64_t> FamilyValues::derivedDimension(std::string_view name, const std::string& expression) const
{
    const std::size_t slash = expression.find('/');
    const auto first = m_dimensions.find(expression.substr(0, slash));
    if (first == m_dimensions.end())
        return Error {ErrorCode::Corrupt,
                      m_family + ".json: the default of " + std::string(name) + " names the unknown dimension " +
                          expression,
                      "correct the family file"};
    if (slash == std::string::npos)
        return first->second;
    const auto second = m_dimensions.find(expression.substr(slash + 1));
    if (second == m_dimensions.end() || second->second == 0 || first->second % second->second != 0)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + std::string(name) + " is not stated and " + expression + " is not an integer",
                      kConfigHint};
    return first->second / second->second;
}

Result<std::int64_t> FamilyValues::dimension(std::string_view name, const Json& spec)
{
    PSC_ASSIGN(const Json found, value(spec));
    std::int64_t result = 0;
    if (found.is_string()) {
        PSC_ASSIGN(result, derivedDimension(name, found.get<std::string>()));
    } else {
        constexpr std::int64_t limit = std::numeric_limits<std::int32_t>::max();
        if (!found.is_number_integer() || found.get<double>() < 0 || found.get<double>() > double(limit))
            return wrongType(spec, found, "a whole number between 0 and 2147483647");
        result = found.get<std::int64_t>();
    }
    m_dimensions.insert_or_assign(std::string(name), result);
    return result;
}

} // namespace paretoscope::core
