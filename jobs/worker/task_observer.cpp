// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker/task_observer.h"

namespace paretoscope::jobs {

void TaskObserver::progressed(std::string_view phase, int done, int total)
{
    constexpr std::int64_t kIntervalMilliseconds = 50;
    const std::int64_t time = now();
    m_told = time;
    if (phase == m_phase && done != total && time - m_sent < kIntervalMilliseconds)
        return;
    m_phase = phase;
    m_sent = time;
    // A coordinator that is gone ends the process through its reading thread.
    (void)m_writer.send({"progress", {{"task", m_task}, {"phase", m_phase}, {"done", done}, {"total", total}}});
}

} // namespace paretoscope::jobs
