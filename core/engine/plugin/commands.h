// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/host_services.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// Runs programs of others. A sweep with a stage that needs this service is refused unless the user has allowed its
/// commands for this run.
class Commands : public Service
{
public:
    static constexpr std::string_view kId = "commands";
    static constexpr int kVersion = 1;

    /// An empty folder on the scratch disk; it is removed with the last reference. Errors: Io.
    virtual core::Result<std::shared_ptr<const std::filesystem::path>> makeFolder() = 0;
    /// Writes the model as the stages so far left it: a Hugging Face folder with plain weights in the number formats of
    /// the model, its tokenizer files beside them. Errors: Unsupported (a stage before acts in every forward pass, and
    /// is not in the weights); Io (disk full); reading errors.
    virtual core::Status writeModel(const std::filesystem::path& folder) = 0;
    /// Runs a program with its arguments, without a shell, in `folder`, where its temporary files go too, and waits for
    /// it. What it prints goes to the worker's log. Whatever it started ends with it, with this process, and when the
    /// trial is cancelled or `limit` is over. Errors: InvalidArgument (commands are not allowed), NotFound (no such
    /// program), Io (it ended with another status than 0, or not in time), Cancelled.
    virtual core::Status run(const std::vector<std::string>& words, const std::filesystem::path& folder,
                             std::chrono::duration<double> limit) = 0;
};

} // namespace paretoscope::engine
