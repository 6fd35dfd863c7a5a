// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/command_service.h"

#include "core/base/shell_words.h"
#include "core/engine/export/model_folder.h"
#include "core/engine/export/model_source.h"
#include "core/engine/services/command_process.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

namespace paretoscope::engine {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kFolderPrefix = "paretoscope-command-";
constexpr std::chrono::milliseconds kPoll {50};
constexpr std::chrono::seconds kGrace {3};    ///< from SIGTERM to SIGKILL
constexpr std::chrono::seconds kInterval {1}; ///< between two signs of life for the coordinator
constexpr const char* kPhase = "external";

/// Goes away with all that is in it.
struct TemporaryFolder
{
    explicit TemporaryFolder(fs::path itsPath)
        : path(std::move(itsPath))
    {}
    ~TemporaryFolder()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    fs::path path;
};

/// The scratch disk may be one that several machines see.
std::string prefixOfThisMachine()
{
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    return std::string(kFolderPrefix) + host + '-';
}

/// Folders of processes that were killed before they could remove them.
void removeAbandoned(const fs::path& scratch)
{
    const std::string prefix = prefixOfThisMachine();
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(scratch, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(prefix))
            continue;
        int process = 0;
        const auto [last, failure] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), process);
        const bool isGone = failure == std::errc() && process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
        if (isGone)
            fs::remove_all(entry.path(), ignored);
    }
}

std::string wordsOf(const CommandProcess& process)
{
    const std::string last = process.lastLine();
    return last.empty() ? "" : "; its last words: \"" + last + '"';
}

/// What the end of a command means that was left to itself.
core::Status resultOf(const CommandProcess::End& end, const CommandProcess& process,
                      const std::vector<std::string>& words)
{
    if (end.startError == ENOENT || end.startError == EACCES)
        return Error {ErrorCode::NotFound,
                      "there is no program " + words.front() +
                          " that could be run: " + std::generic_category().message(end.startError),
                      "give its path, or install it on the machine of the worker"};
    if (end.startError != 0)
        return Error {ErrorCode::Io,
                      "cannot start " + words.front() + ": " + std::generic_category().message(end.startError),
                      "see whether it runs in a terminal on the machine of the worker"};
    if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0)
        return core::success();
    const std::string how = WIFEXITED(end.status) ? "status " + std::to_string(WEXITSTATUS(end.status))
                                                  : "signal " + std::to_string(WTERMSIG(end.status));
    return Error {ErrorCode::Io, "the command ended with " + how + ": " + core::quotedCommand(words) + wordsOf(process),
                  "all that it printed is in the log of the worker (--worker-logs DIR keeps it)"};
}

} // namespace

core::Result<std::shared_ptr<const fs::path>> CommandService::makeFolder()
{
    std::error_code ignored;
    fs::create_directories(m_settings.scratch, ignored); // what is wrong shows with the folder
    removeAbandoned(m_settings.scratch);
    std::string name = (m_settings.scratch / (prefixOfThisMachine() + std::to_string(::getpid()) + "-XXXXXX")).string();
    if (!::mkdtemp(name.data()))
        return Error {ErrorCode::Io,
                      "cannot make a folder in " + m_settings.scratch.string() + ": " +
                          std::generic_category().message(errno),
                      "let TMPDIR name a folder with free space"};
    const auto folder = std::make_shared<const TemporaryFolder>(std::move(name));
    return std::shared_ptr<const fs::path>(folder, &folder->path);
}

core::Status CommandService::writeModel(const fs::path& folder)
{
    if (!m_context.hooks.empty() || m_context.makeStore)
        return Error {ErrorCode::Unsupported,
                      "a stage before the command acts in every forward pass and is not in the weights that are "
                      "handed over",
                      "put the command before it"};
    m_context.observer.progressed(kPhase, 0, 2);
    std::error_code ignored;
    fs::create_directories(folder, ignored); // what is wrong shows with the files
    return writePlainModel(ModelSource(m_context.model, m_context.tensors, m_settings.model), folder, std::nullopt);
}

core::Status CommandService::run(const std::vector<std::string>& words, const fs::path& folder,
                                 std::chrono::duration<double> limit)
{
    if (!m_settings.areAllowed)
        return Error {ErrorCode::InvalidArgument, "commands are not allowed in this run: " + core::quotedCommand(words),
                      "read it, and add --allow-external to run it"};
    m_context.observer.progressed(kPhase, 1, 2);
    PSC_ASSIGN(CommandProcess process, CommandProcess::start(words, folder));
    const auto begun = Clock::now();
    auto told = begun;
    std::optional<Clock::time_point> asked; // to end
    bool isCancelled = false;
    for (;;) {
        const std::optional<CommandProcess::End> end = process.wait(kPoll);
        if (end && !asked) {
            m_context.observer.progressed(kPhase, 2, 2);
            return resultOf(*end, process, words);
        }
        if (end)
            break;
        isCancelled = isCancelled || m_context.observer.isCancelled();
        if (!asked && (isCancelled || Clock::now() - begun > limit)) {
            asked = Clock::now();
            process.signal(SIGTERM);
        }
        if (asked && Clock::now() - *asked > kGrace)
            process.signal(SIGKILL);
        if (Clock::now() - told > kInterval) { // else the coordinator takes it for stalled
            m_context.observer.progressed(kPhase, 1, 2);
            told = Clock::now();
        }
    }
    const std::string line = core::quotedCommand(words);
    if (isCancelled)
        return Error {ErrorCode::Cancelled, "the command was ended: " + line, ""};
    return Error {ErrorCode::Io,
                  "the command was ended, it took longer than its time_limit: " + line + wordsOf(process),
                  "raise time_limit if it needs longer"};
}

} // namespace paretoscope::engine
