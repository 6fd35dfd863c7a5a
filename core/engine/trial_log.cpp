// SPDX-License-Identifier: Apache-2.0
#include "core/engine/trial_log.h"

#include <algorithm>
#include <utility>

namespace paretoscope::engine {

std::vector<std::string> summarisedWarnings(const std::vector<std::string>& warnings)
{
    constexpr std::size_t listedAlone = 3;
    struct Group
    {
        std::string text;
        std::vector<std::string> modules;
    };
    std::vector<Group> groups;
    for (const std::string& warning : warnings) {
        const std::size_t colon = std::min(warning.find(": "), warning.size());
        const std::string text = warning.substr(colon);
        auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.text == text; });
        if (group == groups.end())
            group = groups.insert(groups.end(), {text, {}});
        group->modules.push_back(warning.substr(0, colon));
    }
    std::vector<std::string> summary;
    for (const Group& group : groups) {
        if (group.modules.size() > listedAlone) {
            summary.push_back(group.modules.front() + " and " + std::to_string(group.modules.size() - 1) + " more" +
                              group.text);
            continue;
        }
        for (const std::string& module : group.modules)
            summary.push_back(module + group.text);
    }
    return summary;
}

} // namespace paretoscope::engine
