// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"

#include <string>
#include <vector>

namespace paretoscope::app {

struct Definition
{
    const char* term;
    const char* text;
};

std::vector<Definition> exitStatuses();
std::vector<Definition> environmentVariables();
/// How an option or argument is written: "-q, --quiet", "--jobs N", "SOURCE ...".
std::string termOf(const OptionSpec& spec);
/// Its explanation with default and "May be repeated."
std::string explanationOf(const OptionSpec& spec);

/// The overview of the program: verbs, environment, exit statuses.
std::string programHelp(int width);
/// The help of one verb, made from its option table.
std::string verbHelp(const VerbEntry& entry, int width);

} // namespace paretoscope::app
