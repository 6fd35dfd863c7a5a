// SPDX-License-Identifier: Apache-2.0
#include "core/engine/process_memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace paretoscope::engine {

PeakMemory::PeakMemory()
{
    // proc(5): writing 5 resets the peak resident set size.
    std::ofstream("/proc/self/clear_refs") << '5';
}

core::Bytes PeakMemory::peak() const
{
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word == "VmHWM:") {
            std::int64_t kibibytes = 0;
            status >> kibibytes;
            return {kibibytes * 1024};
        }
    }
    return {};
}

void keepFreedMemory()
{
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

void returnFreedMemory()
{
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
    ::mallopt(M_ARENA_MAX, 2);
}

void trimFreedMemory()
{
    ::malloc_trim(0);
}

} // namespace paretoscope::engine
