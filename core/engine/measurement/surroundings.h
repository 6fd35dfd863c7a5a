// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/measurement/call_timer.h"
#include "core/engine/trial_observer.h"

#include <cstdint>
#include <filesystem>

namespace paretoscope::engine {

/// Bytes; 0 where the system does not tell.
struct CacheSizes
{
    std::int64_t perCore = 0; ///< L2 of one core
    std::int64_t last = 0;    ///< the last level, of all cores that share it
};

/// Of the first processor. @param folder of the kernel's description of caches
CacheSizes cacheSizes(const std::filesystem::path& folder = "/sys/devices/system/cpu/cpu0/cache");

/// {"clock_hertz": [of every core] | null, "temperature_celsius": highest | null}, as the system tells now.
core::Json conditionsNow();

/// What all measurements share.
struct Surroundings
{
    at::Device device;
    int threads = 1;
    bool isQuick = false;
    CacheSizes caches = {};
    TrialObserver& observer;

    TimingPlan plan() const { return isQuick ? TimingPlan::quick() : TimingPlan::thorough(); }
    /// A working set of which nothing is left in a cache when it comes round again.
    std::int64_t coldBytes() const;
    /// A working set that stays in the last cache, but not in that of a core; 0: the size of the cache is not known.
    std::int64_t cachedBytes() const { return caches.last * 2 / 5; }
    /// Errors: Cancelled.
    core::Status goOn(std::string_view phase, int done, int total) const;
};

} // namespace paretoscope::engine
