// SPDX-License-Identifier: Apache-2.0
#include "jobs/command_approval.h"

#include "core/base/installation.h"
#include "core/base/shell_words.h"
#include "core/plugin/manifest.h"

#include <algorithm>

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

/// Whole, with nothing in it hidden or looking like something else: as JSON, where it has more than plain characters.
std::string shown(const std::string& line)
{
    const bool isPlain = std::all_of(line.begin(), line.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    return isPlain ? line : Json(line).dump(-1, ' ', true, Json::error_handler_t::replace);
}

class CommandList
{
public:
    void add(const Json& command, const Json& inputs)
    {
        std::string line;
        if (command.is_array() &&
            std::all_of(command.begin(), command.end(), [](const Json& word) { return word.is_string(); })) {
            std::vector<std::string> words;
            for (const Json& word : command)
                words.push_back(withInputs(word.get<std::string>(), inputs));
            line = core::quotedCommand(words);
        } else {
            line = core::canonicalJson(command);
        }
        line = shown(line);
        if (std::find(m_lines.begin(), m_lines.end(), line) == m_lines.end())
            m_lines.push_back(std::move(line));
    }
    std::vector<std::string> take() { return std::move(m_lines); }

private:
    std::vector<std::string> m_lines;
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

} // namespace

std::vector<std::string> commandsOf(const core::Sweep& sweep)
{
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    CommandList commands;
    for (const core::Pipeline& pipeline : sweep.pipelines) {
        for (const core::StageSpec& stage : pipeline.stages) {
            if (runsCommands(stage, plugins))
                commands.add(stage.parameters.value(kCommand, Json()), stage.parameters.value(kInputs, Json()));
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

core::Status requireApproval(const core::Sweep& sweep, const SweepOptions& options)
{
    const std::vector<std::string> commands = commandsOf(sweep);
    if (commands.empty() || options.allowsCommands)
        return core::success();
    std::string list;
    for (const std::string& command : commands)
        list += (list.empty() ? "" : "; ") + command;
    return core::Error {core::ErrorCode::InvalidArgument, "the sweep runs commands on this machine: " + list,
                        "read them, and run it with --allow-external if they may run"};
}

} // namespace paretoscope::jobs
