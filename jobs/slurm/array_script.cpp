// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/array_script.h"

#include "core/base/shell_words.h"
#include "jobs/slurm/slurm_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace paretoscope::jobs {

namespace {

constexpr std::int64_t kWarningSeconds = 120; ///< before the end of the job; Slurm may send it a minute early
constexpr std::int64_t kReserveSeconds = 300; ///< between the program's limit and the job's
constexpr std::size_t kLongestName = 64;

std::string quoted(const std::string& word)
{
    return core::quotedCommand({word});
}

/// A value in an #SBATCH line, where sbatch takes double quotes away.
std::string headerValue(const std::string& value)
{
    return value.find(' ') == std::string::npos ? value : '"' + value + '"';
}

std::string arrayOf(int size, int atOnce)
{
    const std::string range = size == 1 ? std::string("0") : fmt::format("0-{}", size - 1);
    return atOnce > 0 && atOnce < size ? fmt::format("{}%{}", range, atOnce) : range;
}

std::int64_t warningFor(const ArrayScript& script)
{
    // A job that is shorter than its warning would get it at the start.
    return script.timeSeconds ? std::min(kWarningSeconds, std::max<std::int64_t>(*script.timeSeconds / 10, 1))
                              : kWarningSeconds;
}

std::string header(const ArrayScript& script)
{
    std::string text = "#!/bin/bash\n";
    const auto line = [&](const std::string& option) { text += "#SBATCH --" + option + '\n'; };
    line("job-name=" + script.name);
    line("array=" + arrayOf(script.arraySize, script.atOnce));
    line("output=" + headerValue(script.logs + "/%A_%a.out"));
    line("open-mode=append");
    line("requeue");
    line(fmt::format("signal=B:USR1@{}", warningFor(script)));
    line("ntasks=1");
    line(fmt::format("cpus-per-task={}", script.cpus));
    if (script.gpus > 0)
        line(fmt::format("gpus={}", script.gpus));
    if (script.timeSeconds)
        line("time=" + slurmTime(*script.timeSeconds));
    if (!script.memory.empty())
        line("mem=" + script.memory);
    return text;
}

std::string sitePart(const ArrayScript& script)
{
    std::string text = "\n# === What your site wants: edit this part ===\n";
    // "##SBATCH" is a comment: nothing is guessed about a site.
    text += script.partition.empty() ? "##SBATCH --partition=NAME\n" : "#SBATCH --partition=" + script.partition + '\n';
    text += script.account.empty() ? "##SBATCH --account=NAME\n" : "#SBATCH --account=" + script.account + '\n';
    if (script.memory.empty())
        text += "##SBATCH --mem=32G\n";
    if (!script.timeSeconds)
        text += "##SBATCH --time=4:00:00\n";
    text += "# module load ...\n"
            "# export PARETOSCOPE_CACHE=/scratch/$USER/paretoscope  # a folder that all nodes share and that survives "
            "a job\n";
    text += "program=" + quoted(script.program) + '\n';
    text +=
        "time_limit=" + (script.timeSeconds ? fmt::format("{}s", timeLimitFor(*script.timeSeconds)) : std::string()) +
        "  # no trial is begun that would not end by then; keep it below --time\n";
    text += fmt::format("max_restarts={}   # how often an element that ran out of time goes back into the queue\n",
                        script.maxRestarts);
    return text + "# === End of the site's part ===\n";
}

std::string workersOf(const ArrayScript& script)
{
    std::string text = fmt::format("workers={}\n", script.workers);
    if (script.gpus > 0) {
        // Slurm numbers the cards of a job from 0, whatever CUDA_VISIBLE_DEVICES says.
        std::string devices;
        for (int card = 0; card < script.gpus; ++card)
            devices += fmt::format("{}cuda:{}", card > 0 ? "," : "", card);
        text += "devices=(--device " + devices + ")\n";
    } else {
        text += "devices=()\n";
    }
    return text;
}

std::string defaultOptions(const ArrayScript& script)
{
    return script.options.empty() ? std::string() : core::quotedCommand(script.options);
}

constexpr std::string_view kBody = R"bash(
: "${SLURM_ARRAY_TASK_ID:?is not set: submit this script with sbatch}"
element=${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}
export TMPDIR=${SLURM_TMPDIR:-${TMPDIR:-/tmp}}
threads=$((${SLURM_CPUS_PER_TASK:-1} / workers))
mkdir -p "$results" || exit 1

command=("$program" run "$sweep" --project "$results/$element.psl" --shard "$((first + SLURM_ARRAY_TASK_ID))/$shards"
    --jobs "$workers" --threads "$((threads > 0 ? threads : 1))" "${devices[@]}" ${time_limit:+--time-limit "$time_limit"}
    --progress plain "${options[@]}")

# The program stops after the layer in hand. USR1: time is nearly up, go on later. TERM: scancel, or a preemption, after
# which Slurm itself requeues; the program may have had that signal too, and takes USR1 after it for the same wish.
pid= stopped=
stop() { stopped=$1; [ -z "$pid" ] || kill -USR1 "$pid" 2>/dev/null; }
trap 'stop later' USR1
trap 'stop ended' TERM
)bash";

constexpr std::string_view kEnd = R"bash(pid=$!
[ -z "$stopped" ] || kill -USR1 "$pid"
while kill -0 "$pid" 2>/dev/null; do wait "$pid"; done  # a signal interrupts wait
wait "$pid"
status=$?

# Exit status 75: work is left, and the same shard goes on with it. The job id of the whole array would requeue them all.
if [ "$status" -eq 75 ] && [ "$stopped" != ended ]; then
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "$max_restarts" ]; then
        scontrol requeue "$element" || echo "$element could not be requeued; submit the same array again to go on" >&2
    else
        echo "$element was restarted $SLURM_RESTART_COUNT times (max_restarts); submit the same array again to go on" >&2
    fi
fi
exit "$status"
)bash";

} // namespace

int elementsFor(int trials, int trialsPerElement)
{
    return std::max(1, (trials + trialsPerElement - 1) / trialsPerElement);
}

std::int64_t timeLimitFor(std::int64_t timeSeconds)
{
    return std::max<std::int64_t>(1, timeSeconds - std::min(kReserveSeconds, timeSeconds / 5));
}

std::string jobName(const std::string& name)
{
    std::string safe;
    for (const char c : name.substr(0, kLongestName)) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        safe += plain ? c : '_';
    }
    return safe.empty() ? "sweep" : safe;
}

std::vector<std::string> submissions(const ArrayScript& script, const std::string& file)
{
    std::vector<std::string> arguments;
    for (int first = 0; first < script.elements; first += script.arraySize) {
        const int size = std::min(script.arraySize, script.elements - first);
        if (script.elements == script.arraySize)
            arguments.push_back(quoted(file));
        else
            arguments.push_back(fmt::format("--array={} {} {}", arrayOf(size, script.atOnce), quoted(file), first));
    }
    return arguments;
}

std::string arrayScript(const ArrayScript& script)
{
    std::string text = header(script) + "#\n";
    if (!script.command.empty())
        text += "# Made by: " + script.command + '\n';
    text += fmt::format("# {} trials in {} elements. Make the folder of the logs, then submit:\n#   mkdir -p {}\n",
                        script.trials, script.elements, quoted(script.logs));
    for (const std::string& arguments : submissions(script, "FILE"))
        text += "#   sbatch " + arguments + '\n';
    text += "# Then, also while it runs:\n#   paretoscope merge " + quoted(script.results) + " --into PROJECT.pscope\n";
    text += sitePart(script);
    text += "\n# Arguments replace what stands here.\n";
    text += fmt::format("first=${{1:-0}} shards=${{2:-{}}}\n", script.elements);
    text += "sweep=" + quoted(script.sweep) + " results=" + quoted(script.results) + '\n';
    text += "options=(" + defaultOptions(script) + ")\n";
    text += "[ $# -lt 3 ] || sweep=$3\n[ $# -lt 4 ] || { results=$4; options=(\"${@:5}\"); }\n";
    text += workersOf(script);
    text += kBody;
    // srun does not take the number of cores over from the job.
    text += script.usesSrun ? "srun --ntasks=1 --cpus-per-task=\"${SLURM_CPUS_PER_TASK:-1}\" \"${command[@]}\" &\n"
                            : "\"${command[@]}\" &\n";
    return text + std::string(kEnd);
}

} // namespace paretoscope::jobs
