// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace paretoscope::app {

/// Opens the window and runs it until it is closed. `argv` is the whole command line: project files, models and sweeps
/// to open, and the options of Qt. Creates the QApplication, so nothing else may have created one.
/// Returns the exit status of the program: 0, or 2 after one sentence on stderr about an argument it does not know.
/// In a build without PARETOSCOPE_WITH_GUI it says so and returns 2.
int runWindow(int argc, char** argv);

} // namespace paretoscope::app
