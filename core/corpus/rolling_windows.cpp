// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/rolling_windows.h"

#include "core/base/assert.h"

#include <algorithm>

namespace paretoscope::core {

std::vector<RollingWindow> rollingWindows(std::span<const std::int32_t> ids, std::int32_t prefix, std::size_t length)
{
    PSC_ASSERT(length > 0, "a window holds at least one token");
    const auto inputAt = [&](std::size_t i) { return i == 0 ? prefix : ids[i - 1]; };
    std::vector<RollingWindow> windows;
    for (std::size_t done = 0; done < ids.size();) {
        const std::size_t end = std::min(done + length, ids.size());
        // The first window may be short; the last of several reaches back for context instead.
        const std::size_t begin = windows.empty() ? 0 : end - length;
        RollingWindow window;
        for (std::size_t i = begin; i < end; ++i) {
            window.input.push_back(inputAt(i));
            window.targets.push_back(ids[i]);
        }
        window.firstScored = done - begin;
        windows.push_back(std::move(window));
        done = end;
    }
    return windows;
}

} // namespace paretoscope::core
