// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace paretoscope::engine {

/// A program of somebody else, in a process group of its own. The group ends with the program, with this object and
/// with this process, however that ends: a keeper stands between them, a fork of this process that waits for either.
class CommandProcess
{
public:
    /// How it ended.
    struct End
    {
        int startError = 0; ///< errno when the program could not be started
        int status = 0;     ///< as wait() gives it
    };

    /// Runs words[0], looked for in PATH, in `folder`, which is its TMPDIR too; should this process die meanwhile, the
    /// folder is removed. Errors: Io (no process, no pipe).
    static core::Result<CommandProcess> start(const std::vector<std::string>& words,
                                              const std::filesystem::path& folder);
    ~CommandProcess(); ///< kills what is left
    CommandProcess(CommandProcess&& other) noexcept;
    CommandProcess& operator=(CommandProcess&&) = delete;

    /// Waits up to `patience` and copies what the program prints to stderr. Nothing while it runs.
    std::optional<End> wait(std::chrono::milliseconds patience);
    /// Sends SIGTERM or SIGKILL to the whole group.
    void signal(int number);
    /// Of what it has printed so far, printable and at most a few hundred bytes.
    std::string lastLine() const;

private:
    CommandProcess(pid_t keeper, int control, int report, int output);
    void readOutput();
    void take(std::string_view printed);
    void endKeeper();

    pid_t m_keeper = -1;
    int m_control = -1; ///< signals for the group; its end of file tells the keeper that we are gone
    int m_report = -1;  ///< from the keeper: an End
    int m_output = -1;  ///< of the program, both streams
    std::string m_line; ///< begun
    std::string m_last; ///< the newest whole one that is not empty
};

} // namespace paretoscope::engine
