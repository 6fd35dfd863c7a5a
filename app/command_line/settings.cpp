// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/settings.h"

#include "core/base/mapped_file.h"
#include "core/base/near_miss.h"

#include <algorithm>
#include <sstream>

namespace paretoscope::app {

namespace {

std::string trimmed(const std::string& text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r");
    if (begin == std::string::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

} // namespace

std::string environmentNameOf(const std::string& setting)
{
    std::string name = "PARETOSCOPE_";
    for (const char c : setting)
        name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return name;
}

Settings Settings::read(const std::filesystem::path& file, const Environment& environment,
                        const std::vector<std::string>& knownNames)
{
    Settings settings;
    settings.m_file = file;
    settings.m_environment = environment;
    const auto text = core::readTextFile(file, std::size_t(1) << 20);
    if (!text.ok()) {
        if (text.error().code != core::ErrorCode::NotFound)
            settings.m_problems.push_back(text.error());
        return settings;
    }
    std::istringstream lines(text.value());
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        line = trimmed(line);
        if (line.empty() || line.front() == '#')
            continue;
        const std::string place = file.string() + ":" + std::to_string(number) + ": ";
        const std::size_t equals = line.find('=');
        const std::string name = trimmed(line.substr(0, equals));
        if (equals == std::string::npos) {
            settings.m_problems.push_back({core::ErrorCode::InvalidArgument,
                                           place + "\"" + line + "\" is not \"name = value\"; the line is ignored",
                                           {}});
        } else if (std::find(knownNames.begin(), knownNames.end(), name) == knownNames.end()) {
            settings.m_problems.push_back({core::ErrorCode::InvalidArgument,
                                           place + "there is no setting \"" + name + "\"; the line is ignored",
                                           core::suggestion(name, knownNames)});
        } else {
            settings.m_values[name] = trimmed(line.substr(equals + 1));
        }
    }
    return settings;
}

std::optional<SettingValue> Settings::find(const std::string& name) const
{
    const std::string variable = environmentNameOf(name);
    if (const auto value = m_environment ? m_environment(variable.c_str()) : std::nullopt; value && !value->empty())
        return SettingValue {*value, variable};
    if (const auto found = m_values.find(name); found != m_values.end())
        return SettingValue {found->second, m_file.string()};
    return std::nullopt;
}

} // namespace paretoscope::app
