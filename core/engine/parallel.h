// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>

namespace paretoscope::engine {

/// Calls work(index) for every index in [0, count), on at most `inFlight` threads at once, in rising order as far as
/// one thread sees. Operators inside are single-threaded, also when there is only one index: sequences in parallel need
/// no synchronisation in every GEMM, and no result depends on how many there are or how many are computed at once.
/// Exceptions of any call leave this function.
template <typename Work>
void forEachSample(std::size_t count, Work&& work, std::size_t inFlight = std::numeric_limits<std::size_t>::max())
{
    const std::int64_t available = at::get_num_threads();
    const auto wanted = static_cast<std::int64_t>(std::min(count, std::max<std::size_t>(inFlight, 1)));
    const std::int64_t threads = std::min(available, wanted);
    // Two parts at least, one of them idle: a region of one part would not count as parallel.
    const std::int64_t parts = std::max<std::int64_t>(threads, std::min<std::int64_t>(available, 2));
    std::atomic<std::size_t> next = 0;
    at::parallel_for(0, parts, 1, [&](std::int64_t part, std::int64_t) {
        if (part >= threads)
            return;
        const c10::InferenceMode noGradients;
        for (std::size_t index = next++; index < count; index = next++)
            work(index);
    });
}

/// Number of samples that forEachSample computes at once, of `count`.
inline std::size_t sampleThreads(std::size_t count)
{
    return std::max<std::size_t>(1, std::min(static_cast<std::size_t>(at::get_num_threads()), count));
}

/// forEachSample for work(index) that may fail: the error of the lowest index, when there is one. After an error other
/// threads stop at their next index.
template <typename Work>
core::Status tryForEachSample(std::size_t count, Work&& work,
                              std::size_t inFlight = std::numeric_limits<std::size_t>::max())
{
    std::mutex mutex;
    std::size_t failedAt = std::numeric_limits<std::size_t>::max();
    core::Status result = core::success();
    forEachSample(
        count,
        [&](std::size_t index) {
            {
                const std::lock_guard lock(mutex);
                if (failedAt < index)
                    return;
            }
            if (core::Status status = work(index); !status.ok()) {
                const std::lock_guard lock(mutex);
                if (index < failedAt) {
                    failedAt = index;
                    result = std::move(status);
                }
            }
        },
        inFlight);
    return result;
}

} // namespace paretoscope::engine
