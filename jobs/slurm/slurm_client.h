// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <QStringList>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::jobs {

/// An element that is waiting or running.
struct QueuedElement
{
    std::int64_t array = 0; ///< job id of the whole array
    int index = 0;
    std::string state;  ///< "PENDING", "RUNNING", "COMPLETING", ...
    std::string reason; ///< why it waits; "None"
    bool isWaiting() const { return state == "PENDING" || state == "CONFIGURING" || state.starts_with("REQUEUE"); }
    auto operator<=>(const QueuedElement&) const = default;
};

/// How an element left the queue.
struct ElementEnd
{
    std::string state; ///< "COMPLETED", "FAILED", "PREEMPTED", "TIMEOUT", "NODE_FAIL", "CANCELLED", ...
    std::string exit;  ///< "75:0": exit status and signal
    bool operator==(const ElementEnd&) const = default;
};

// What the programs print, apart from starting them.
core::Result<std::vector<QueuedElement>> readQueue(std::string_view text); ///< of squeue -r -o %F|%K|%T|%r
std::optional<ElementEnd> readJob(std::string_view text);                  ///< of scontrol show job -o
std::optional<ElementEnd> readAccounting(std::string_view text);           ///< of sacct -P -o State,ExitCode
std::optional<int> readMaxArraySize(std::string_view text);                ///< of scontrol show config
core::Error rejection(std::string_view standardError);                     ///< of sbatch, with what to do

/// Slurm's programs, started without a shell. Calls wait for them. Errors of all: NotFound (the program is not here),
/// Io (it does not answer, or says something that is not expected), Cancelled (it did not answer in time).
class SlurmClient
{
public:
    /// The most elements of one array. Errors: as above.
    core::Result<int> maxArraySize() const;
    /// @param arguments of sbatch: options, the script, the script's arguments
    /// @return the job id of the array. Errors: also InvalidArgument (the cluster refuses it, and why).
    core::Result<std::int64_t> submit(const QStringList& arguments) const;
    /// The elements of all arrays with this job name that have not ended.
    core::Result<std::vector<QueuedElement>> queued(const std::string& name) const;
    /// Asked of the controller, which forgets jobs after minutes, then of the accounting, which not every site has.
    std::optional<ElementEnd> endOf(std::int64_t array, int index) const;
    /// Elements that wait are taken away, those that run get SIGTERM.
    core::Status end(const std::string& name) const;
    /// All are killed.
    core::Status kill(const std::string& name) const;

private:
    struct Answer
    {
        int status = 0;
        std::string out;
        std::string err;
    };
    core::Result<Answer> call(const char* program, const QStringList& arguments) const;
    core::Result<std::string> outputOf(const char* program, const QStringList& arguments) const;
};

} // namespace paretoscope::jobs
