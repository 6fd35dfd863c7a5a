// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

namespace paretoscope::app {

/// Runs what the command line asks for and returns the exit status; nothing when it asks for the window.
/// Creates no GUI application.
std::optional<int> runCommandLine(int argc, char** argv);

} // namespace paretoscope::app
