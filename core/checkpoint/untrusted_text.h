// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace paretoscope::core {

/// Text from a file, fit for a message: in double quotes, control characters and ill-formed UTF-8 as \xNN, cut after
/// about 80 bytes.
std::string inQuotes(std::string_view text);

/// Well-formed UTF-8 (no surrogates, no overlong forms) without NUL and other control characters of ASCII.
bool isPlainText(std::string_view text);

} // namespace paretoscope::core
