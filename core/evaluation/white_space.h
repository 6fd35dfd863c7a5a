// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace paretoscope::core {

/// Bytes of valid UTF-8 before the white space that Python's str.rstrip() removes.
std::size_t lengthWithoutTrailingSpace(std::string_view text);
/// Python's str.strip().
std::string_view stripped(std::string_view text);

} // namespace paretoscope::core
