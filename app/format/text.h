// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::app {

/// Columns that UTF-8 `text` takes in a terminal; combining marks take none, East Asian wide characters two.
std::size_t displayWidth(std::string_view text);

/// `text` cut to `width` columns; what was cut off at its end is replaced by "…".
std::string elided(std::string_view text, std::size_t width);

std::string padRight(std::string_view text, std::size_t width); ///< spaces after the text
std::string padLeft(std::string_view text, std::size_t width);  ///< spaces before it

/// Lines of at most `width` columns, broken at spaces; an over-long word stands alone. "\n" in the text is kept, and a
/// line that begins with a space is not broken (examples).
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// The parts of "a,b,c", without empty ones.
std::vector<std::string> splitAtCommas(const std::string& text);

/// Control characters (escape sequences from a stranger's project, newlines) replaced by "?", so that a value from a
/// file cannot steer the terminal.
std::string printable(std::string_view text);

} // namespace paretoscope::app
