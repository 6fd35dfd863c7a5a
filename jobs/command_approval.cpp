// SPDX-License-Identifier: Apache-2.0
#include "jobs/command_approval.h"

#include "core/base/installation.h"
#include "core/base/shell_words.h"
#include "core/plugin/manifest.h"
#include "core/sweep/trial_exchange.h"
#include "jobs/sweep_planning.h"

#include <algorithm>
#include <optional>
#include <set>

namespace paretoscope::jobs {

namespace {

using core::Json;

// What a stage that runs commands has in its manifest.
constexpr const char* kService = "commands";
constexpr const char* kCommand = "command";
constexpr const char* kInputs = "inputs";

/// A plugin that is not known is none of this installation, and does not run.
bool runsCommands(const core::StageSpec& stage, const core::PluginCatalogue& plugins)
{
    const auto plugin = plugins.find(stage.plugin);
    return plugin.ok() && plugin.value()->needs.is_object() &&
           plugin.value()->needs.value("services", Json::object()).contains(kService);
}

std::string withInputs(std::string word, const Json& inputs)
{
    for (std::size_t i = 0; inputs.is_array() && i < inputs.size(); ++i) {
        const std::string place = "{input" + std::to_string(i + 1) + '}';
        const std::string path = inputs[i].is_string() ? inputs[i].get<std::string>() : inputs[i].dump();
        for (std::size_t at = word.find(place); at != std::string::npos; at = word.find(place, at + path.size()))
            word.replace(at, place.size(), path);
    }
    return word;
}

class CommandList
{
public:
    /// @param pipeline its index; nothing: of an entry that a driver chooses from
    void add(const Json& command, const Json& inputs, std::optional<std::size_t> pipeline = {})
    {
        SweepCommand found;
        if (command.is_array() &&
            std::all_of(command.begin(), command.end(), [](const Json& word) { return word.is_string(); })) {
            std::vector<std::string> words;
            for (const Json& word : command) {
                words.push_back(withInputs(word.get<std::string>(), inputs));
                found.words.push_back(visibleText(core::quotedCommand({words.back()})));
            }
            found.line = visibleText(core::quotedCommand(words));
        } else {
            found.line = visibleText(core::canonicalJson(command));
        }
        auto known = std::find_if(m_commands.begin(), m_commands.end(),
                                  [&](const SweepCommand& other) { return other.line == found.line; });
        if (known == m_commands.end())
            known = m_commands.insert(known, std::move(found));
        if (pipeline && (known->pipelines.empty() || known->pipelines.back() != *pipeline))
            known->pipelines.push_back(*pipeline);
    }
    std::vector<SweepCommand> take() { return std::move(m_commands); }

private:
    std::vector<SweepCommand> m_commands;
};

/// What a parameter of a stage has or may come to have.
std::vector<Json> valuesOf(const core::PipelineSpace& entry, std::size_t stage, const char* parameter)
{
    std::vector<Json> values {entry.first.stages[stage].parameters.value(parameter, Json())};
    for (const core::ParameterChoice& choice : entry.choices) {
        if (choice.stage == stage && choice.parameter == parameter)
            values.insert(values.end(), choice.values.levels.begin(), choice.values.levels.end());
    }
    return values;
}

std::string keyOf(const core::Pipeline& pipeline)
{
    return core::canonicalJson(core::toJson(pipeline));
}

std::vector<SweepCommand> notAllowed(std::vector<SweepCommand> commands, const SweepOptions& options)
{
    std::erase_if(commands, [&options](const SweepCommand& command) {
        return options.allowsCommands || std::find(options.allowedCommands.begin(), options.allowedCommands.end(),
                                                   command.line) != options.allowedCommands.end();
    });
    return commands;
}

} // namespace

std::string visibleText(const std::string& text)
{
    const bool isPlain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    return isPlain ? text : Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::vector<SweepCommand> describedCommands(const core::Sweep& sweep)
{
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    CommandList commands;
    for (std::size_t i = 0; i < sweep.pipelines.size(); ++i) {
        for (const core::StageSpec& stage : sweep.pipelines[i].stages) {
            if (runsCommands(stage, plugins))
                commands.add(stage.parameters.value(kCommand, Json()), stage.parameters.value(kInputs, Json()), i);
        }
    }
    for (const core::PipelineSpace& entry : sweep.entries) {
        for (std::size_t stage = 0; stage < entry.first.stages.size(); ++stage) {
            if (!runsCommands(entry.first.stages[stage], plugins))
                continue;
            for (const Json& command : valuesOf(entry, stage, kCommand)) {
                for (const Json& inputs : valuesOf(entry, stage, kInputs))
                    commands.add(command, inputs);
            }
        }
    }
    return commands.take();
}

std::vector<SweepCommand> commandsToRun(const core::Sweep& sweep, const SweepPlan& plan)
{
    std::vector<SweepCommand> commands = describedCommands(sweep);
    if (sweep.isAdaptive() && plan.remaining() > 0)
        return commands;
    std::set<std::string> open;
    for (std::size_t i = 0; i < plan.trials.size(); ++i) {
        if (!plan.done[i] && !plan.held[i])
            open.insert(keyOf(plan.trials[i].pipeline));
    }
    for (SweepCommand& command : commands)
        std::erase_if(command.pipelines,
                      [&](std::size_t pipeline) { return !open.contains(keyOf(sweep.pipelines[pipeline])); });
    std::erase_if(commands, [](const SweepCommand& command) { return command.pipelines.empty(); });
    return commands;
}

core::Result<std::vector<SweepCommand>>
commandsToAskAbout(const core::Sweep& sweep, const std::filesystem::path& project, const SweepOptions& options)
{
    if (notAllowed(describedCommands(sweep), options).empty())
        return std::vector<SweepCommand>();
    PSC_TRY(checkOptions(options));
    PSC_ASSIGN(const core::WorkloadIdentity identity, core::identifySweep(sweep));
    std::vector<core::TrialRecord> recorded;
    std::error_code ignored;
    if (std::filesystem::exists(project, ignored)) {
        PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
        PSC_ASSIGN(recorded, store.trials());
    }
    PSC_ASSIGN(const PreparedSweep prepared, prepareSweep(sweep, identity, options, recorded));
    return notAllowed(commandsToRun(sweep, prepared.plan), options);
}

core::Status requireApproval(const std::vector<SweepCommand>& commands, const SweepOptions& options)
{
    std::string list;
    for (const SweepCommand& command : notAllowed(commands, options))
        list += (list.empty() ? "" : "; ") + command.line;
    if (list.empty())
        return core::success();
    return core::Error {core::ErrorCode::InvalidArgument, "the sweep runs commands on this machine: " + list,
                        "read them, and run it with --allow-external if they may run"};
}

} // namespace paretoscope::jobs
