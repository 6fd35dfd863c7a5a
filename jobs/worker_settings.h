// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/protocol/handshake.h"

#include "core/base/quantity.h"
#include "core/base/result.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::jobs {

/// How long a coordinator waits for what. Tests shorten them.
struct WorkerTimings
{
    std::chrono::milliseconds heartbeat {1000};       ///< interval the worker is asked for
    std::chrono::milliseconds silence {30'000};       ///< without any message: lost
    std::chrono::milliseconds start {120'000};        ///< from the start of the process to `hello`
    std::chrono::milliseconds stall {3'600'000};      ///< heartbeats, but no progress of the task: lost
    std::chrono::milliseconds cancelGrace {30'000};   ///< from `cancel` or `shutdown` to SIGTERM
    std::chrono::milliseconds terminateGrace {3'000}; ///< from SIGTERM to SIGKILL
    std::chrono::milliseconds backOff {500};          ///< before a replacement when several in a row were lost; doubles
};

/// How worker processes are started.
struct WorkerSettings
{
    std::filesystem::path program;         ///< empty = the installation's
    int threads = 1;                       ///< intra-op
    std::string device = "auto";           ///< one device, as this machine numbers it
    std::string arithmetic = "float32";    ///< or "tf32", "bfloat16"
    std::filesystem::path cache;           ///< folder of the artifact cache; empty = the user's
    std::optional<core::Bytes> cacheLimit; ///< of that folder; nothing: the cache chooses
    std::filesystem::path
        logFolder; ///< each worker's log is kept there as worker-N.log; empty = only the tail in memory
    std::optional<core::Bytes> memoryBudget;
    bool allowsCommands = false; ///< stages may run programs of others
    int niceness = 0;            ///< added to that of this process
    WorkerTimings timings;
};

/// Cores this process may use: affinity, control group and SLURM_CPUS_PER_TASK counted in; at least 1.
int availableCores();

/// The settings' program, or the installation's. Errors: NotFound (says where it was looked for).
core::Result<std::filesystem::path> workerProgram(const std::filesystem::path& wanted);

/// Whether this names an NVIDIA card: "cuda:0".
bool isCard(std::string_view device);

/// What a worker on this device calls it: it is shown one card only, and that is cuda:0.
std::string deviceInWorker(const std::string& device);

/// CUDA_VISIBLE_DEVICES for a worker on this device: of the cards visible here (`visible`: the value of that variable;
/// nothing: all) the one that the device names. Nothing for what is no card, and for a card that is not visible.
std::optional<std::string> visibleCardFor(const std::string& device, const std::optional<std::string>& visible);

/// The body of `configure` for these settings in this installation.
Configuration configurationFor(const WorkerSettings& settings);

/// Splits "cuda:0,cuda:1"; never empty. Errors: InvalidArgument.
core::Result<std::vector<std::string>> parseDevices(const std::string& devices);

} // namespace paretoscope::jobs
