// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window.h"

#include <cstdio>

namespace paretoscope::app {

int runWindow(int, char**)
{
    std::fputs("paretoscope: this build has no window, only the verbs (\"paretoscope help\" lists them; configure with "
               "-DPARETOSCOPE_GUI=ON for the window)\n",
               stderr);
    return 2;
}

} // namespace paretoscope::app
