// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/print_config.h"

#include "app/format/table.h"

#include <algorithm>

namespace paretoscope::app {

namespace {

struct ConfigRow
{
    std::string name;
    SettingValue setting;
};

std::string joinedPaths(const std::vector<std::filesystem::path>& paths)
{
    std::string text;
    for (const auto& path : paths)
        text += (text.empty() ? "" : ":") + path.string();
    return text;
}

/// The settings that the core reads; `fallback` is what it uses when nothing is set.
void addFolders(std::vector<ConfigRow>& rows, const Session& session)
{
    const auto add = [&](const std::string& name, const std::string& fallback) {
        const auto known =
            std::find_if(rows.begin(), rows.end(), [&](const ConfigRow& row) { return row.name == name; });
        const SettingValue value = session.settings.find(name).value_or(SettingValue {fallback, "default"});
        if (known == rows.end())
            rows.push_back({name, value});
        else if (known->setting.value.empty())
            known->setting = value;
    };
    const auto worker = session.installation.worker();
    add("cache", core::userCacheFolder().string());
    add("models", {});
    add("plugins", joinedPaths(session.installation.pluginFolders()));
    add("worker", worker ? worker->string() : std::string());
}

} // namespace

void printConfig(const OptionTable& table, Session& session)
{
    std::vector<ConfigRow> rows;
    for (const OptionSpec& spec : table.specs()) {
        if (spec.setting.empty())
            continue;
        const auto given = session.parsed.values.find(spec.name);
        rows.push_back({spec.setting, given == session.parsed.values.end() ? SettingValue {spec.defaultText, "default"}
                                                                           : given->second});
    }
    addFolders(rows, session);
    std::sort(rows.begin(), rows.end(), [](const ConfigRow& a, const ConfigRow& b) { return a.name < b.name; });
    if (session.common.json) {
        core::Json settings = core::Json::array();
        for (const auto& [name, setting] : rows)
            settings.push_back({{"name", name}, {"value", setting.value}, {"origin", setting.origin}});
        session.console.document({{"schema", "paretoscope.print-config/1"}, {"settings", settings}});
        return;
    }
    TextTable text({{"setting"}, {"value", false, true}, {"from", false, true}});
    for (const auto& [name, setting] : rows)
        text.addRow({name, setting.value.empty() ? "-" : setting.value, setting.origin});
    session.console.write(text.text(session.console.outStream()));
}

} // namespace paretoscope::app
