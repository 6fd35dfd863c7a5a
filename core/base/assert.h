// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace paretoscope::core {

[[noreturn]] void assertionFailed(const char* expression, const char* why, const char* file, int line);

} // namespace paretoscope::core

/// A condition that only our own bug can break. On in all builds.
#define PSC_ASSERT(condition, why)                                                                                     \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ::paretoscope::core::assertionFailed(#condition, why, __FILE__, __LINE__);                                 \
    } while (false)
