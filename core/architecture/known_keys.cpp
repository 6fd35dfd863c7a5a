// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/known_keys.h"

#include "core/architecture/family_file.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

/// Walks through a configuration and collects what is not known.
class KeyCheck
{
public:
    KeyCheck(const Json& family, const std::set<std::string>& neutral)
        : m_family(family.at("family").get<std::string>())
        , m_mentioned(mentionedKeys(family))
        , m_known(neutral)
    {
        for (const std::string& key : family.value("ignored_keys", std::vector<std::string>()))
            m_known.insert(key);
        const Json required = family.value("required_values", Json::object());
        for (const auto& [key, allowed] : required.items())
            m_known.insert(key);
    }

    void walk(const Json& object, const std::string& prefix)
    {
        for (const auto& [key, setting] : object.items()) {
            const std::string path = prefix + key;
            const bool isOff = setting.is_null() || setting == Json(false);
            if (isOff || m_mentioned.contains(path) || m_known.contains(path))
                continue;
            if (setting.is_object() && isMentionedInside(path))
                walk(setting, path + '.');
            else
                m_found.push_back("the key " + path + " = " + setting.dump().substr(0, 80) + " is not known to " +
                                  m_family + ".json and might change the arithmetic");
        }
    }
    std::vector<std::string> take() { return std::move(m_found); }

private:
    bool isMentionedInside(const std::string& path) const
    {
        const auto next = m_mentioned.lower_bound(path + '.');
        return next != m_mentioned.end() && next->starts_with(path + '.');
    }

    std::string m_family;
    std::set<std::string> m_mentioned;
    std::set<std::string> m_known;
    std::vector<std::string> m_found;
};

} // namespace

std::vector<std::string> unsupportedKeys(const Json& config, const Json& family, const std::set<std::string>& neutral)
{
    KeyCheck check(family, neutral);
    check.walk(config, "");
    std::vector<std::string> found = check.take();
    const Json required = family.value("required_values", Json::object());
    for (const auto& [key, allowed] : required.items()) {
        if (config.contains(key) && std::find(allowed.begin(), allowed.end(), config.at(key)) == allowed.end())
            found.push_back(key + " is " + config.at(key).dump().substr(0, 80) + ", only " + allowed.dump() +
                            " can be computed");
    }
    return found;
}

} // namespace paretoscope::core
