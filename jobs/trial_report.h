// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/sweep_runner.h"
#include "jobs/worker_process.h"

#include "core/sweep/trial_exchange.h"

#include <optional>
#include <string>

namespace paretoscope::jobs {

/// Now, as ISO-8601 with milliseconds and Z.
std::string utcNow();

/// What happened to one trial in this run; becomes the provenance of its record.
struct TrialCourse
{
    int attemptsBefore = 0; ///< of earlier runs
    int attempts = 0;
    std::string startedUtc;                  ///< of the last attempt
    std::optional<double> expectedSeconds;   ///< of the last attempt; beside what it took
    int worker = -1;                         ///< of the last attempt
    Hello hello;                             ///< likewise
    std::string device;                      ///< likewise, as this machine numbers it
    core::Json losses = core::Json::array(); ///< attempts of this run that ended with their worker
    core::Json log;                          ///< newest lines of the log, when the last attempt failed
};

/// Makes the records of one sweep.
class TrialReporter
{
public:
    TrialReporter() = default;
    TrialReporter(const core::Sweep& sweep, const core::WorkloadIdentity& identity, std::string command);

    core::WorkloadRecord workload() const;
    /// As it stands before its first attempt.
    core::TrialRecord queued(const core::PlannedTrial& trial) const;
    core::TrialRecord running(const core::PlannedTrial& trial, const TrialCourse& course) const;
    core::TrialRecord done(const core::PlannedTrial& trial, const TrialCourse& course,
                           core::TrialOutcome outcome) const;
    /// The last attempt failed or was interrupted `seconds` after it began.
    core::TrialRecord ended(const core::PlannedTrial& trial, const TrialCourse& course, core::TrialStatus status,
                            const core::Error& error, double seconds) const;

private:
    core::Json provenance(const TrialCourse& course) const;

    core::WorkloadSpec m_workload;
    core::WorkloadIdentity m_identity;
    std::string m_sweep;
    std::string m_command;
    std::string m_host;
    core::Json m_slurm; ///< the job this is part of; null outside of one
};

/// The part of `course.losses` for one loss.
core::Json toJson(const WorkerLoss& loss);

} // namespace paretoscope::jobs
