// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"

#include <string>

namespace paretoscope::app {

/// The overview of the program: verbs, environment, exit statuses.
std::string programHelp(int width);
/// The help of one verb, made from its option table.
std::string verbHelp(const VerbEntry& entry, int width);

} // namespace paretoscope::app
