// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

/// What a command line asks for, before any of its options is looked at.
struct Intent
{
    enum class Kind
    {
        Window,
        Help,
        Version,
        Verb,
        Error
    };

    Kind kind = Kind::Window;
    std::string verb;
    std::vector<std::string> arguments; ///< of the verb
    std::optional<core::Error> error;
    bool json = false;      ///< for answers before the verb's options are read
    bool jsonLines = false; ///< likewise
};

/// `arguments` without the program's name. A verb comes first (common options may stand before it); `--batch SWEEP`
/// anywhere is the verb run. Anything else opens the window, unless it looks like a misspelt verb: a word that is no
/// option, no path and not the name of something on disk.
Intent readIntent(const std::vector<std::string>& arguments);

} // namespace paretoscope::app
