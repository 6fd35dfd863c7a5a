// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// All verbs in the order of the help.
const std::vector<VerbEntry>& verbTable();
/// Empty when there is no such verb.
const VerbEntry* findVerb(std::string_view name);
std::vector<std::string> verbNames();

/// A verb of the command line contract that this version does not have; it is answered by name.
bool isPlannedVerb(std::string_view name);

/// The options of a verb, the common ones at the end. `verb` and `common` hold the targets and must outlive it.
OptionTable optionsOf(Verb& verb, CommonOptions& common);

/// Every name that may stand in the user's file (`batch.conf`) or, as PARETOSCOPE_<NAME>, in the environment.
std::vector<std::string> settingNames();

} // namespace paretoscope::app
