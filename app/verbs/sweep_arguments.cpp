// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_arguments.h"

#include "app/command_line/input.h"
#include "app/format/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

namespace paretoscope::app {

namespace {

core::Error invalid(std::string message, std::string hint = {})
{
    return {core::ErrorCode::InvalidArgument, std::move(message), std::move(hint)};
}

/// "i/n" with 0 <= i < n, as $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT gives it.
core::Status readShard(const std::string& text, jobs::SweepOptions& options)
{
    int index = 0;
    int count = 0;
    const char* end = text.data() + text.size();
    const auto [slash, first] = std::from_chars(text.data(), end, index);
    const bool separated = first == std::errc() && slash != end && *slash == '/';
    const auto [stop, second] =
        separated ? std::from_chars(slash + 1, end, count) : std::from_chars_result {end, first};
    if (!separated || second != std::errc() || stop != end || index < 0 || index >= count)
        return invalid("\"" + text + "\" is not a shard i/n with i from 0 to n-1", "for example 0/4, 1/4, 2/4, 3/4");
    options.shardIndex = index;
    options.shardCount = count;
    return core::success();
}

} // namespace

void SweepArguments::declare(OptionTable& options)
{
    OptionSpec& sweep = options.text("SWEEP", "", m_sweep, "The sweep file, YAML or JSON; - reads it from stdin.");
    sweep.kind = ValueKind::Sweep;
    sweep.required = true;
    OptionSpec& project = options.text("--project", "FILE", m_project,
                                       "The project file for the results (*.pscope). It is made when it is not there; "
                                       "what it holds already is not run again.");
    project.kind = ValueKind::Project;
    project.required = true;
    options.list("--set", "PATH=VALUE,...", m_set,
                 "Replace a value of the sweep file; several values make a grid. For example stage.gptq.bits=3,4.");
    declareResources(options);
    declareSelection(options);
}

void SweepArguments::declareResources(OptionTable& options)
{
    OptionSpec& workers = options.integer("--jobs", "N", m_options.jobs, {0, 1024},
                                          "Worker processes; 0 = one per GPU, or two on a CPU with two cores or more.");
    workers.setting = "jobs";
    workers.defaultText = "0";
    OptionSpec& threads = options.integer("--threads", "N", m_options.threads, {0, 4096},
                                          "Threads of each worker; 0 = the cores divided by the workers. Equal threads "
                                          "give bit-identical results.");
    threads.setting = "threads";
    threads.defaultText = "0";
    OptionSpec& device = options.text("--device", "DEVICES", m_device, "auto, cpu, or a list such as cuda:0,cuda:1.");
    device.setting = "device";
    device.defaultText = "auto";
    OptionSpec& arithmetic = options.choice("--arithmetic", m_options.arithmetic, {"float32", "tf32", "bfloat16"},
                                            "In which numbers blocks are evaluated: float32, tf32 (NVIDIA cards), or "
                                            "bfloat16 (slow on most CPUs). Methods compute in float32 in any case; "
                                            "measurements in several are kept side by side.");
    arithmetic.setting = "arithmetic";
    arithmetic.defaultText = "float32";
    OptionSpec& memory = options.custom("--memory-budget", "SIZE", "Memory of each worker, for example 4GiB.",
                                        [this](const std::string& text) -> core::Status {
                                            PSC_ASSIGN(m_options.memoryBudget, readBytes(text));
                                            return core::success();
                                        });
    memory.setting = "memory-budget";
    OptionSpec& cache = options.text("--cache", "DIR", m_cache, "Folder of the artifact cache.");
    cache.kind = ValueKind::Folder;
    cache.setting = "cache";
    options
        .custom("--artifact-limit", "SIZE",
                "Keep compressed models beside the project as long as all together take no more than this; a metric "
                "that is added later is then measured without compressing again. 0 keeps none.",
                [this](const std::string& text) -> core::Status {
                    m_options.artifactLimit = {};
                    if (text != "0") { // a limit, unlike other sizes
                        PSC_ASSIGN(m_options.artifactLimit, readBytes(text));
                    }
                    return core::success();
                })
        .defaultText = "10GiB";
    options
        .custom("--cache-limit", "SIZE",
                "Most that the artifact cache may hold, for example 20GiB; what was used longest ago is removed first. "
                "Without it: a quarter of what is free on its disk, at most 64GiB.",
                [this](const std::string& text) -> core::Status {
                    PSC_ASSIGN(m_options.cacheLimit, readBytes(text));
                    return core::success();
                })
        .setting = "cache-limit";
    OptionSpec& executor = options.choice("--executor", m_executor, {"local", "slurm"},
                                          "Where the workers run: here, or as job arrays of Slurm.");
    executor.defaultText = "local";
    OptionSpec& logs = options.text("--worker-logs", "DIR", m_logFolder,
                                    "Keep the whole log of each worker in this folder; otherwise only the end of the "
                                    "log of a failed trial is kept, in the project.");
    logs.kind = ValueKind::Folder;
}

void SweepArguments::declareSelection(OptionTable& options)
{
    options.text("--only", "TEXT", m_options.only, "Run only trials whose pipeline or id contains this text.");
    options.custom("--shard", "i/n", "Run every n-th trial, beginning with the i-th (from 0).",
                   [this](const std::string& text) { return readShard(text, m_options); });
    options.integer("--max-trials", "N", m_options.maxTrials, {1, std::numeric_limits<int>::max()},
                    "Run at most this many trials now.");
    OptionSpec& retry = options.choice("--retry", m_retry, {"failed", "interrupted", "none"},
                                       "Which earlier trials to try again: failed (and interrupted) ones, only "
                                       "interrupted ones, or none.");
    retry.defaultText = "interrupted";
    options.custom("--time-limit", "TIME",
                   "Start no trial that is not expected to end in time, and stop then; for example 3h50m.",
                   [this](const std::string& text) -> core::Status {
                       PSC_ASSIGN(m_options.timeLimitSeconds, readDuration(text));
                       return core::success();
                   });
    options
        .custom(
            "--stall-limit", "TIME",
            "End a worker whose trial has told no progress for so long, and give the trial to another one; raise it "
            "for methods that take longer between two layers.",
            [this](const std::string& text) -> core::Status {
                PSC_ASSIGN(const double seconds, readDuration(text));
                m_options.timings.stall = std::chrono::milliseconds(std::llround(seconds * 1000));
                return core::success();
            })
        .defaultText = "1h";
    options.flag("--fail-fast", m_failFast, "Stop at the first trial that fails.");
    options.flag(
        "--allow-external", m_options.allowsCommands,
        "Run the commands of the sweep's stages of the kind external. Without it a sweep is refused as long as trials "
        "with such commands are to run, and tells them.");
    options.flag("--keep-going", m_keepGoing, "Go on after failed trials. This is the default.");
}

core::Result<core::Sweep> SweepArguments::readSweep(const Session& session) const
{
    const auto plugins = core::PluginCatalogue::scan(session.installation.pluginFolders());
    auto sweep = [&]() -> core::Result<core::Sweep> {
        if (m_sweep != "-")
            return core::readSweep(m_sweep, plugins, m_set);
        PSC_ASSIGN(const std::string text, readAll(session.input));
        return core::parseSweep(text, "stdin", plugins, m_set);
    }();
    if (!sweep.ok() && plugins.all().empty()) {
        core::Error error = sweep.error();
        error.hint = "no plugin is installed: build with -DPARETOSCOPE_ENGINE=ON, or name plugin folders in "
                     "PARETOSCOPE_PLUGINS";
        return error;
    }
    return sweep;
}

std::vector<std::string> SweepArguments::elementOptions(const ParsedOptions& parsed)
{
    static constexpr std::array<std::string_view, 16> kPassedOn {
        "--allow-external", "--artifact-limit", "--cache-limit", "--jobs",      "--threads",     "--device",
        "--arithmetic",     "--memory-budget",  "--cache",       "--only",      "--worker-logs", "--retry",
        "--time-limit",     "--stall-limit",    "--fail-fast",   "--keep-going"};
    std::vector<std::string> words;
    for (const auto& [name, value] : parsed.given) {
        if (std::find(kPassedOn.begin(), kPassedOn.end(), name) != kPassedOn.end())
            words.push_back(value.empty() ? name : name + '=' + value);
    }
    return words;
}

core::Result<jobs::SweepOptions> SweepArguments::options(const Session& session) const
{
    if (usesSlurm() && (m_options.shardCount > 1 || m_options.maxTrials > 0))
        return invalid("--executor slurm divides the sweep itself: --shard and --max-trials do not go with it",
                       "choose trials with --only, or elements with --slurm-array");
    if (m_failFast && m_keepGoing)
        return invalid("--fail-fast and --keep-going exclude each other", "give one of them");
    PSC_TRY(jobs::parseDevices(m_device));
    jobs::SweepOptions options = m_options;
    options.device = m_device;
    options.cache = m_cache;
    options.logFolder = m_logFolder;
    options.retry = m_retry == "failed" ? jobs::RetryPolicy::Failed
                    : m_retry == "none" ? jobs::RetryPolicy::None
                                        : jobs::RetryPolicy::Interrupted;
    options.failFast = m_failFast;
    options.command = session.command;
    return options;
}

} // namespace paretoscope::app
