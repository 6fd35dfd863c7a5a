// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <cstddef>

namespace paretoscope::engine {

/// Calls work(thread, index) for every index in [0, count). Each thread gets one run of consecutive indices and works
/// with single-threaded operators inside: sequences in parallel need no synchronisation in every GEMM, and which thread
/// saw which index depends on the number of threads alone. Exceptions of any call leave this function.
template <typename Work>
void forEachSample(std::size_t count, Work&& work)
{
    const auto total = static_cast<std::int64_t>(count);
    const std::int64_t threads = std::max<std::int64_t>(1, std::min<std::int64_t>(at::get_num_threads(), total));
    at::parallel_for(0, threads, 1, [&](std::int64_t first, std::int64_t last) {
        const c10::InferenceMode noGradients;
        for (std::int64_t thread = first; thread < last; ++thread) {
            for (std::int64_t i = total * thread / threads; i < total * (thread + 1) / threads; ++i)
                work(static_cast<std::size_t>(thread), static_cast<std::size_t>(i));
        }
    });
}

/// Number of threads that forEachSample uses for `count` samples.
inline std::size_t sampleThreads(std::size_t count)
{
    return std::max<std::size_t>(1, std::min(static_cast<std::size_t>(at::get_num_threads()), count));
}

} // namespace paretoscope::engine
