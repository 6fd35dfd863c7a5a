// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "core/base/error.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

struct SettingValue
{
    std::string value;
    std::string origin; ///< "PARETOSCOPE_JOBS", "/home/ann/.config/paretoscope/batch.conf", "--jobs", "default"
};

/// Values below the command line: the environment before the user's file ("name = value" lines, # comments).
/// A name `memory-budget` is PARETOSCOPE_MEMORY_BUDGET in the environment.
class Settings
{
public:
    /// A missing file is an empty one. Problems of the file are in `problems()`, its readable lines count.
    static Settings read(const std::filesystem::path& file, const Environment& environment,
                         const std::vector<std::string>& knownNames);

    std::optional<SettingValue> find(const std::string& name) const;
    const std::vector<core::Error>& problems() const { return m_problems; }

private:
    std::filesystem::path m_file;
    Environment m_environment;
    std::map<std::string, std::string> m_values;
    std::vector<core::Error> m_problems;
};

std::string environmentNameOf(const std::string& setting);

} // namespace paretoscope::app
