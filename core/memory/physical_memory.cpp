// SPDX-License-Identifier: Apache-2.0
#include "core/memory/physical_memory.h"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace paretoscope::core {

Bytes physicalMemory()
{
    std::int64_t bytes = std::int64_t(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
    for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::int64_t limit = 0;
        if (std::ifstream(file) >> limit && limit > 0)
            bytes = std::min(bytes, limit);
    }
    return {bytes};
}

} // namespace paretoscope::core
