// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/call_timer.h"

#include "core/engine/parallel.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace paretoscope::engine {

namespace {

constexpr int kMostCalls = 1 << 20;

std::int64_t clockNanoseconds()
{
    const auto sinceStart = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(sinceStart).count();
}

} // namespace

Moment Moment::now(at::Device device)
{
    Moment moment;
    if (device.is_cpu()) {
        moment.m_nanoseconds = clockNanoseconds();
        return moment;
    }
    moment.m_event.emplace(device.type(), c10::EventFlag::BACKEND_DEFAULT);
    moment.m_event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
    return moment;
}

double Moment::since(const Moment& earlier) const
{
    if (!m_event)
        return static_cast<double>(m_nanoseconds - earlier.m_nanoseconds) * 1e-9;
    m_event->synchronize();
    return earlier.m_event->elapsedTime(*m_event) * 1e-3;
}

CallTimer::CallTimer(at::Device device, TimingPlan plan)
    : m_device(device)
    , m_plan(plan)
{
    std::vector<double> empty;
    for (int i = 0; i < m_plan.intervals; ++i)
        empty.push_back(secondsOf([](int) {}, 0));
    m_empty = core::repeatedOf(std::move(empty)).median;
}

double CallTimer::secondsOf(const Work& work, int calls) const
{
    const Moment start = Moment::now(m_device);
    work(calls);
    return Moment::now(m_device).since(start);
}

core::Repeated CallTimer::time(const Work& work) const
{
    return timed([&](int calls) { return secondsOf(work, calls); });
}

core::Repeated CallTimer::timeInThreads(int threads, const std::function<void(int thread, int calls)>& work) const
{
    return timed([&](int calls) {
        std::vector<std::int64_t> starts(static_cast<std::size_t>(threads));
        std::vector<std::int64_t> ends(static_cast<std::size_t>(threads));
        forEachSample(static_cast<std::size_t>(threads), [&](std::size_t thread) {
            starts[thread] = clockNanoseconds();
            work(static_cast<int>(thread), calls);
            ends[thread] = clockNanoseconds();
        });
        return static_cast<double>(*std::max_element(ends.begin(), ends.end()) -
                                   *std::min_element(starts.begin(), starts.end())) *
               1e-9;
    });
}

core::Repeated CallTimer::timed(const std::function<double(int calls)>& seconds) const
{
    seconds(m_plan.warmUps);
    const double once = std::max(seconds(1) - m_empty, 1e-9);
    const int calls = static_cast<int>(std::clamp(std::ceil(m_plan.interval / once), 1.0, double(kMostCalls)));
    core::Repeated calmest = timedOnce(seconds, calls);
    for (int attempt = 1; attempt < m_plan.attempts && calmest.variation > TimingPlan::kRestless; ++attempt) {
        const core::Repeated again = timedOnce(seconds, calls);
        if (again.variation < calmest.variation)
            calmest = again;
    }
    return calmest;
}

core::Repeated CallTimer::timedOnce(const std::function<double(int calls)>& seconds, int calls) const
{
    std::vector<double> results;
    const std::int64_t start = clockNanoseconds();
    const auto spent = [&] { return static_cast<double>(clockNanoseconds() - start) * 1e-9; };
    for (int i = 0; i < m_plan.intervals && (i < m_plan.fewestIntervals || spent() < m_plan.longest); ++i)
        results.push_back(std::max((seconds(calls) - m_empty) / calls, 1e-12));
    return core::repeatedOf(std::move(results));
}

} // namespace paretoscope::engine
