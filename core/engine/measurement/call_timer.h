// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"
#include "core/statistics/repeated.h"

#include <c10/core/Event.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace paretoscope::engine {

/// A point in time of the work on a device: of the clock for the CPU, of an event in the current stream for a card.
class Moment
{
public:
    static Moment now(at::Device device);
    /// Seconds from `earlier` to this one; waits for a card.
    double since(const Moment& earlier) const;

private:
    std::int64_t m_nanoseconds = 0;
    std::optional<c10::Event> m_event;
};

/// How long one call is measured.
struct TimingPlan
{
    double interval = 1e-3; ///< seconds; calls are repeated to fill it
    int intervals = 20;
    int fewestIntervals = 3; ///< also when the time below is over
    double longest = 2;      ///< seconds for all of them
    int warmUps = 3;         ///< calls before the first interval
    int attempts = 3;        ///< at most: what varied too much is timed again, and the calmest attempt counts

    static constexpr double kRestless = 0.1; ///< standard deviation over mean that calls for another attempt

    static TimingPlan thorough() { return {}; }
    static TimingPlan quick() { return {.intervals = 10, .longest = 0.05, .warmUps = 1, .attempts = 1}; }
};

/// Times calls: intervals of as many calls as fill the plan's interval, less what an empty interval takes.
class CallTimer
{
public:
    using Work = std::function<void(int calls)>; ///< makes the given number of calls

    CallTimer(at::Device device, TimingPlan plan);

    /// Seconds of one call.
    core::Repeated time(const Work& work) const;
    /// The same on so many threads of the CPU at once, each of which works by itself: from when the first one begins to
    /// when the last one is through, without what starting and joining them takes.
    core::Repeated timeInThreads(int threads, const std::function<void(int thread, int calls)>& work) const;

private:
    core::Repeated timed(const std::function<double(int calls)>& seconds) const;
    core::Repeated timedOnce(const std::function<double(int calls)>& seconds, int calls) const;
    double secondsOf(const Work& work, int calls) const;

    at::Device m_device;
    TimingPlan m_plan;
    double m_empty = 0; ///< seconds of an interval without calls
};

} // namespace paretoscope::engine
