// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/option_table.h"
#include "app/command_line/settings.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace paretoscope::app {

/// Which values a command line led to and where each came from; options that were not given are absent or defaults.
struct ParsedOptions
{
    std::map<std::string, SettingValue> values; ///< by option name
    /// Option and value of each that stood on the command line ("" for a flag), in the order of the table.
    std::vector<std::pair<std::string, std::string>> given;
    bool has(const std::string& name) const { return values.count(name) > 0; }
};

/// Parses the arguments of one verb and stores their values in the targets of `table`. A value that is given twice
/// counts as last given; what is not given is taken from `settings`. "--" ends the options, "-" is an argument.
/// With --help or --print-config among them nothing is required. Errors: InvalidArgument; names option, value and range
/// or the near name.
core::Result<ParsedOptions> parseOptions(const OptionTable& table, const std::vector<std::string>& arguments,
                                         const Settings& settings, const std::string& verb);

} // namespace paretoscope::app
