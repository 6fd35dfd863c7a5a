// SPDX-License-Identifier: Apache-2.0
#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace paretoscope::core {

void assertionFailed(const char* expression, const char* why, const char* file, int line)
{
    std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, expression, why);
    std::abort();
}

} // namespace paretoscope::core
