// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace paretoscope::core {

/// One line that a POSIX shell reads back as these words.
std::string quotedCommand(const std::vector<std::string>& words);

} // namespace paretoscope::core
