// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/trial_id.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::jobs {

enum class WorkerActivity
{
    Starting,
    Idle,
    Busy,
    Gone ///< ended, or lost
};

/// What a worker does and takes, for those who watch a sweep.
struct WorkerStatus
{
    int worker = 0;
    WorkerActivity activity = WorkerActivity::Gone;
    std::string device;                      ///< as this machine numbers it: "cpu", "cuda:1"
    std::optional<core::TrialId> trial;      ///< in hand
    std::int64_t residentBytes = 0;          ///< of the process; 0: not known yet
    std::optional<std::int64_t> deviceBytes; ///< that its tensors take on a card

    bool operator==(const WorkerStatus&) const = default;
};

inline std::string_view workerActivityName(WorkerActivity activity)
{
    switch (activity) {
    case WorkerActivity::Starting:
        return "starting";
    case WorkerActivity::Idle:
        return "idle";
    case WorkerActivity::Busy:
        return "busy";
    case WorkerActivity::Gone:
        break;
    }
    return "gone";
}

} // namespace paretoscope::jobs
