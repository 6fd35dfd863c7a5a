// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"

namespace paretoscope::app {

/// Prints every setting of a verb with its value and where that comes from.
void printConfig(const OptionTable& table, Session& session);

} // namespace paretoscope::app
