// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace paretoscope::core {

/// Takes the pages that hold `bytes` out of this process; they are read again from the page cache or the disk when
/// touched. Only for bytes of a MappedFile: anywhere else their content would be lost.
void dropMappedPages(std::span<const std::byte> bytes);

} // namespace paretoscope::core
