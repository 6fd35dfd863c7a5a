// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/program.h"
#include "app/window.h"

int main(int argc, char** argv)
{
    if (const auto status = paretoscope::app::runCommandLine(argc, argv))
        return *status;
    return paretoscope::app::runWindow(argc, argv);
}
