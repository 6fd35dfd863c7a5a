// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/start_options.h"

namespace paretoscope::app {

class MainWindow;

/// Waits until the window shows its project, writes it as a PNG file and ends the program: 0, or 1 when that fails.
void takeScreenshot(MainWindow& window, const StartOptions& options);

/// Prints the seconds from the start of the process to the window's first paint as JSON and ends the program.
void reportFirstPaint(MainWindow& window);

} // namespace paretoscope::app
