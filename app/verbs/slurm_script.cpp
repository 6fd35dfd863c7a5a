// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/verbs/slurm_arguments.h"
#include "app/verbs/sweep_arguments.h"
#include "jobs/slurm/array_script.h"
#include "jobs/slurm/slurm_time.h"
#include "jobs/sweep_planning.h"

#include <algorithm>
#include <limits>

namespace paretoscope::app {

namespace {

constexpr int kTrialsPerElement = 8; ///< so that an element computes what its trials share once, and lasts

core::Error invalid(std::string message, std::string hint)
{
    return {core::ErrorCode::InvalidArgument, std::move(message), std::move(hint)};
}

/// What goes into an #SBATCH line must stay one word there.
core::Status readWord(const std::string& text, std::string& target)
{
    const auto breaks = [](unsigned char c) { return c <= ' ' || c == '"' || c == 0x7f; };
    if (text.empty() || std::any_of(text.begin(), text.end(), breaks))
        return invalid("\"" + text + "\" is not one word", "give the value as sbatch takes it");
    target = text;
    return core::success();
}

/// As Slurm writes times, or with units as everywhere else in this program.
core::Status readTime(const std::string& text, std::optional<std::int64_t>& target)
{
    if (text.find_first_of("dhms") != std::string::npos) {
        PSC_ASSIGN(const double seconds, readDuration(text));
        target = static_cast<std::int64_t>(seconds);
    } else {
        PSC_ASSIGN(target, jobs::readSlurmTime(text));
    }
    return core::success();
}

class SlurmScriptVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& sweep = options.text("SWEEP", "", m_script.sweep, "The sweep file, as the nodes will find it.");
        sweep.kind = ValueKind::Sweep;
        sweep.required = true;
        options.list(
            "RUN_OPTION", "", m_script.options,
            "Further options of run for every element, after \"--\": --set, --only, --retry, --arithmetic, ...");
        declareArray(options);
        declareNode(options);
        declareFiles(options);
    }

    Outcome run(Session& session) override
    {
        if (m_script.sweep == "-")
            return Outcome::usage("the nodes cannot read the sweep from stdin", "give a file that all nodes see");
        SweepArguments element;
        if (const core::Status read = readElement(element); !read.ok())
            return {read.error(), ErrorSource::Arguments};
        if (const auto options = element.options(session); !options.ok())
            return {options.error(), ErrorSource::Arguments};
        PSC_ASSIGN(const core::Sweep sweep, element.readSweep(session));
        PSC_TRY(jobs::requireDivisible(sweep));
        m_script.name = jobs::jobName(sweep.name);
        m_script.command = session.command;
        m_script.trials = static_cast<int>(sweep.pipelines.size() * (1 + sweep.repeatSeeds.size()));
        chooseElements(session.console);
        m_script.workers = m_workers > 0 ? m_workers : std::max(1, m_script.gpus);
        if (m_script.program.empty())
            m_script.program = runningProgram();
        print(session);
        return ExitStatus::Done;
    }

private:
    void declareArray(OptionTable& options)
    {
        options.custom("--array", "COUNT[%MAX]",
                       "How many elements the array has, and how many of them run at the same time. Never more than "
                       "there are trials; by default as many as --trials-per-element makes.",
                       [this](const std::string& text) { return readArray(text, m_elements, m_script.atOnce); });
        options
            .integer("--trials-per-element", "N", m_trialsPerElement, {1, std::numeric_limits<int>::max()},
                     "About how many trials an element runs; small trials want more.")
            .defaultText = std::to_string(kTrialsPerElement);
        options
            .integer("--max-array-size", "N", m_maxArraySize, {1, 4'000'001},
                     "MaxArraySize of the cluster (scontrol show config): more elements are submitted as several "
                     "arrays.")
            .defaultText = std::to_string(jobs::kUsualMaxArraySize);
        options
            .integer("--max-restarts", "N", m_script.maxRestarts, {0, 10'000},
                     "How often an element that ran out of time goes back into the queue.")
            .defaultText = std::to_string(m_script.maxRestarts);
    }

    void declareNode(OptionTable& options)
    {
        options.custom("--time", "TIME",
                       "Time limit of an element, as sbatch takes it (4:00:00, 1-12:00:00) or with units (90m). Trials "
                       "stop a little earlier.",
                       [this](const std::string& text) { return readTime(text, m_script.timeSeconds); });
        options.integer("--gpus", "N", m_script.gpus, {0, 64}, "GPUs of an element; each gets one worker.")
            .defaultText = "0";
        options.integer("--cpus-per-task", "N", m_script.cpus, {1, 4096}, "Cores of an element.").defaultText =
            std::to_string(m_script.cpus);
        options
            .integer("--jobs", "N", m_workers, {0, 1024},
                     "Worker processes of an element; 0 = one per GPU, or one. They share the cores.")
            .defaultText = "0";
        const auto word = [](std::string& target) {
            return [&target](const std::string& text) { return readWord(text, target); };
        };
        options.custom("--mem", "SIZE", "Memory of an element, as sbatch takes it: 32G.", word(m_script.memory));
        options.custom("--partition", "NAME", "Partition to run in.", word(m_script.partition));
        options.custom("--account", "NAME", "Account to charge.", word(m_script.account));
        options.flag("--srun", m_script.usesSrun,
                     "Start the program by srun, for sites where only steps get signals or devices.");
    }

    void declareFiles(OptionTable& options)
    {
        const auto folder = [&options](const char* name, std::string& target, const char* standard, const char* doc) {
            target = standard;
            OptionSpec& spec = options.text(name, "DIR", target, doc);
            spec.kind = ValueKind::Folder;
            spec.defaultText = standard;
        };
        folder("--results", m_script.results, "results", "Folder of the shards, on a file system that all nodes see.");
        folder("--logs", m_script.logs, "logs", "Folder of the output of the elements.");
        OptionSpec& program = options.text("--program", "FILE", m_script.program,
                                           "paretoscope as the nodes find it; by default this program.");
        program.kind = ValueKind::File;
    }

    /// The options of run that each element gets, checked before anything waits in a queue.
    core::Status readElement(SweepArguments& element) const
    {
        for (const std::string& option : m_script.options) {
            for (const char* reserved : {"--project", "--shard", "--executor"}) {
                if (option == reserved || option.rfind(std::string(reserved) + '=', 0) == 0)
                    return invalid(std::string(reserved) + " cannot be a further option of the elements",
                                   "the script gives each element a shard of its own");
            }
        }
        if (m_script.results.find('\n') != std::string::npos || m_script.logs.find('\n') != std::string::npos)
            return invalid("a folder of --results or --logs has a line break in its name", "choose another folder");
        OptionTable table;
        element.declare(table);
        std::vector<std::string> words {m_script.sweep, "--project", "element.psl"};
        words.insert(words.end(), m_script.options.begin(), m_script.options.end());
        const auto parsed = parseOptions(table, words, Settings(), "run");
        return parsed.ok() ? core::success() : core::Status(parsed.error());
    }

    void chooseElements(Console& console)
    {
        const int wanted = m_elements > 0 ? m_elements : jobs::elementsFor(m_script.trials, m_trialsPerElement);
        m_script.elements = std::min(wanted, m_script.trials);
        m_script.arraySize = std::min(m_script.elements, m_maxArraySize);
        if (m_script.elements < wanted)
            console.note("the sweep has " + counted(m_script.trials, "trial") + ": an array of " +
                         std::to_string(m_script.elements) + " is enough");
    }

    void print(Session& session) const
    {
        const std::string text = jobs::arrayScript(m_script);
        if (!session.common.json) {
            session.console.write(text);
            return;
        }
        core::Json submit = core::Json::array();
        for (const std::string& arguments : jobs::submissions(m_script, "FILE"))
            submit.push_back("sbatch " + arguments);
        session.console.document({{"schema", "paretoscope.slurm-script/1"},
                                  {"script", text},
                                  {"trials", m_script.trials},
                                  {"elements", m_script.elements},
                                  {"array_size", m_script.arraySize},
                                  {"results", m_script.results},
                                  {"logs", m_script.logs},
                                  {"submit", submit}});
    }

    jobs::ArrayScript m_script;
    int m_elements = 0; ///< as given; 0 = by m_trialsPerElement
    int m_workers = 0;  ///< as given; 0 = by the GPUs
    int m_trialsPerElement = kTrialsPerElement;
    int m_maxArraySize = jobs::kUsualMaxArraySize;
};

} // namespace

VerbEntry slurmScriptVerb()
{
    return {.name = "slurm-script",
            .summary = "print a batch script that runs a sweep as a job array of Slurm",
            .usage = "SWEEP [options] [-- RUN_OPTION...]",
            .description =
                "Prints a script for sbatch; nothing is submitted. Each element of the array runs a part of the sweep "
                "and records it in a shard of its own, RESULTS/ARRAY_ELEMENT.psl; merge unites the shards, also while "
                "the array runs. An element that runs out of time stops after the layer in hand and goes back into the "
                "queue. What the folder of shards holds already is not run again, so the same script may be submitted "
                "again at any time. Partition, account and modules differ between sites: edit the marked part.\n"
                "  paretoscope slurm-script sweep.yaml --gpus 1 --time 4:00:00 --array 200%16 > sweep.sbatch\n"
                "  mkdir -p logs && sbatch sweep.sbatch\n"
                "  paretoscope merge results --into sweep.pscope\n"
                "  paretoscope slurm-script sweep.yaml --cpus-per-task 16 -- --set stage.gptq.bits=3,4",
            .make = makeVerb<SlurmScriptVerb>};
}

} // namespace paretoscope::app
