// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"

#include <string>

namespace paretoscope::app {

// Manual pages in the macros of man(7), made of what --help is made of.

/// paretoscope(1): the overview.
std::string programManual();
/// paretoscope-VERB(1).
std::string verbManual(const VerbEntry& entry);

} // namespace paretoscope::app
