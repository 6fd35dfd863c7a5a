// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "core/base/result.h"

#include <string>
#include <string_view>

namespace paretoscope::app {

/// Sends spdlog and Qt's messages to stderr (warnings; with -v information, with -vv all) and, when `file` is not
/// empty, everything from information on to that file, rotated. `console` must outlive the logging. Errors: Io.
core::Status startLogging(Console& console, const std::string& file);

/// A line for the log file alone: what the console shows in another form. Nothing without --log-file.
void record(std::string_view line);

} // namespace paretoscope::app
