// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace paretoscope::app {

/// The completion script for "bash", "zsh" or "fish", made from the option tables of all verbs.
std::string completionScript(std::string_view shell);

} // namespace paretoscope::app
