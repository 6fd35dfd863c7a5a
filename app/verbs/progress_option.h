// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"

#include <string>

namespace paretoscope::app {

/// The option --progress of verbs that take long.
class ProgressOption
{
public:
    void declare(OptionTable& options)
    {
        OptionSpec& progress = options.choice("--progress", m_mode, {"auto", "bar", "plain", "json", "none"},
                                              "How to show progress on stderr; auto is a redrawn line on a terminal, "
                                              "otherwise one line per 10 % or minute.");
        progress.setting = "progress";
        progress.defaultText = "auto";
    }
    const std::string& mode() const { return m_mode; }

private:
    std::string m_mode = "auto";
};

} // namespace paretoscope::app
