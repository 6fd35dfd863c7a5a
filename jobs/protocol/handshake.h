// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/protocol/message.h"

#include "core/base/quantity.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

/// Body of `configure`: what is fixed for the life of a worker.
struct Configuration
{
    int protocol = kProtocolVersion;
    int threads = 1; ///< intra-op
    std::string device = "auto";
    std::string arithmetic = "float32";         ///< in which blocks are evaluated
    std::filesystem::path cache;                ///< artifact cache; empty = none
    std::optional<core::Bytes> cacheLimit;      ///< of that folder; nothing: the cache chooses
    std::vector<std::filesystem::path> plugins; ///< folders
    std::filesystem::path architectures;
    std::optional<core::Bytes> memoryBudget;
    int heartbeatMilliseconds = 1000;
    bool allowsCommands = false; ///< stages may run programs of others
};

core::Json toJson(const Configuration& configuration);
/// Errors: Corrupt (a field has another type); Unsupported (another protocol version).
core::Result<Configuration> configurationFromJson(const core::Json& body);

/// Body of `hello`: who answers.
struct Hello
{
    int protocol = kProtocolVersion;
    std::string build; ///< version of the worker
    std::string libtorch;
    std::vector<std::string> plugins; ///< ids
    std::string device;               ///< what `configure` asked for, resolved
    int threads = 0;
    int pid = 0;
    core::Json description; ///< TrialRunner::describeBuild
};

core::Json toJson(const Hello& hello);
/// Errors: Corrupt (a field has another type); Unsupported (another protocol version; names both).
core::Result<Hello> helloFromJson(const core::Json& body);

} // namespace paretoscope::jobs
