// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/trial_observer.h"
#include "jobs/protocol/channel.h"

#include <atomic>
#include <chrono>
#include <string>

namespace paretoscope::jobs {

/// Tells the coordinator how far the task in hand is, seldom enough to be no load, and carries its cancellation.
class TaskObserver : public engine::TrialObserver
{
public:
    TaskObserver(int task, FrameWriter& writer)
        : m_task(task)
        , m_writer(writer)
        , m_told(now())
    {}

    int task() const { return m_task; }
    void cancel() { m_cancelled = true; }
    /// Since the task last called.
    std::chrono::milliseconds quiet() const { return std::chrono::milliseconds(now() - m_told); }

    void progressed(std::string_view phase, int done, int total) override;
    bool isCancelled() const override { return m_cancelled; }

private:
    static std::int64_t now()
    {
        const auto sinceStart = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(sinceStart).count();
    }

    int m_task;
    FrameWriter& m_writer;
    std::atomic<bool> m_cancelled = false;
    std::atomic<std::int64_t> m_told; ///< milliseconds
    std::string m_phase;              ///< of the last message; only the task's thread uses these
    std::int64_t m_sent = 0;
};

} // namespace paretoscope::jobs
