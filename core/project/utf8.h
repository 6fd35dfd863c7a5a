// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace paretoscope::core {

bool isAscii(std::string_view text);

/// `text` with every ill-formed byte sequence replaced by U+FFFD; unchanged when it is valid UTF-8.
std::string validUtf8(std::string_view text);

} // namespace paretoscope::core
