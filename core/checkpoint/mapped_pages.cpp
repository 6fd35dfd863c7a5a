// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/mapped_pages.h"

#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

namespace paretoscope::core {

void dropMappedPages(std::span<const std::byte> bytes)
{
    if (bytes.empty())
        return;
    // Outwards to whole pages: a neighbour that loses its page gets it back from the page cache.
    const auto pageBytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    const std::uintptr_t begin = address / pageBytes * pageBytes;
    ::madvise(reinterpret_cast<void*>(begin), address + bytes.size() - begin, MADV_DONTNEED);
}

} // namespace paretoscope::core
