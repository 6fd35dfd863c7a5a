// SPDX-License-Identifier: Apache-2.0
#include "jobs/pattern_preview.h"

#include "core/base/installation.h"
#include "core/checkpoint/checkpoint.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace paretoscope::jobs {

namespace {

using core::Json;

bool isPattern(const std::string& parameter)
{
    return parameter == "include" || parameter == "exclude";
}

/// The patterns of a stage and nothing else; empty lists are left out.
Json patternsOf(const core::StageSpec& stage)
{
    Json patterns = Json::object();
    for (const char* name : {"include", "exclude"}) {
        const Json list = stage.parameters.is_object() ? stage.parameters.value(name, Json()) : Json();
        if (list.is_array() && !list.empty())
            patterns[name] = list;
    }
    return patterns;
}

/// The stage as far as its patterns go: "rtn(include=[*.mlp.*])".
std::string labelOf(const core::StageSpec& stage)
{
    core::StageSpec bare = stage;
    bare.given = patternsOf(stage);
    return core::Pipeline {{bare}}.label();
}

/// "model.layers.12.mlp" as "model.layers.*.mlp".
std::string withoutNumbers(const std::string& module)
{
    std::string text;
    for (std::size_t begin = 0; begin <= module.size();) {
        const std::size_t end = std::min(module.find('.', begin), module.size());
        const std::string part = module.substr(begin, end - begin);
        const bool isNumber = !part.empty() && std::all_of(part.begin(), part.end(),
                                                           [](unsigned char c) { return std::isdigit(c) != 0; });
        text += (begin == 0 ? "" : ".") + (isNumber ? "*" : part);
        begin = end + 1;
    }
    return text;
}

/// The pipelines with every combination of patterns that may be chosen, each choice at its first value otherwise.
std::vector<core::Pipeline> pipelinesByPattern(const core::Sweep& sweep)
{
    std::vector<core::Pipeline> pipelines = sweep.pipelines;
    for (const core::PipelineSpace& entry : sweep.entries) {
        std::vector<core::Pipeline> variants {entry.first};
        for (const core::ParameterChoice& choice : entry.choices) {
            if (!isPattern(choice.parameter))
                continue;
            const std::vector<core::Pipeline> before = std::move(variants);
            variants.clear();
            for (const core::Pipeline& pipeline : before) {
                for (const Json& value : choice.values.levels) {
                    variants.push_back(pipeline);
                    variants.back().stages[choice.stage].parameters[choice.parameter] = value;
                }
            }
        }
        pipelines.insert(pipelines.end(), variants.begin(), variants.end());
    }
    return pipelines;
}

} // namespace

core::Result<PatternPreview> PatternPreview::create(const core::WorkloadSpec& workload)
{
    const auto installed = core::Installation::locate();
    PSC_ASSIGN(const auto checkpoint, core::openCheckpoint(workload.model));
    PSC_ASSIGN(const core::Architecture architecture,
               core::describeArchitecture(*checkpoint, installed.architectures()));
    PatternPreview preview;
    preview.m_modules = core::weightModules(architecture);
    preview.m_plugins = core::PluginCatalogue::scan(installed.pluginFolders());
    return preview;
}

core::Result<std::vector<PatternPreview::Selection>>
PatternPreview::selections(const std::vector<core::Pipeline>& pipelines) const
{
    std::vector<std::string> seen; ///< labels
    std::vector<std::pair<Json, Selection>> found;
    for (const core::Pipeline& pipeline : pipelines) {
        for (const core::StageSpec& stage : pipeline.stages) {
            const auto plugin = m_plugins.find(stage.plugin);
            const bool takesPatterns =
                plugin.ok() && (plugin.value()->parameter("include") || plugin.value()->parameter("exclude"));
            const std::string label = labelOf(stage);
            if (!takesPatterns || std::find(seen.begin(), seen.end(), label) != seen.end())
                continue;
            seen.push_back(label);
            const Json patterns = patternsOf(stage);
            const auto same =
                std::find_if(found.begin(), found.end(), [&](const auto& each) { return each.first == patterns; });
            if (same != found.end()) {
                same->second.stages += ", " + label;
                continue;
            }
            const auto selected = core::selectModules(m_modules, patterns);
            if (!selected.ok())
                return selected.error().withContext(label);
            Selection selection {label, {}};
            for (const std::size_t index : selected.value())
                selection.modules.push_back(m_modules[index].module);
            found.emplace_back(patterns, std::move(selection));
        }
    }
    std::vector<Selection> selections;
    for (auto& [patterns, selection] : found)
        selections.push_back(std::move(selection));
    return selections;
}

core::Status requirePatternMatches(const core::Sweep& sweep)
{
    const std::vector<core::Pipeline> pipelines = pipelinesByPattern(sweep);
    const bool anyPattern = std::any_of(pipelines.begin(), pipelines.end(), [](const core::Pipeline& pipeline) {
        return std::any_of(pipeline.stages.begin(), pipeline.stages.end(),
                           [](const core::StageSpec& stage) { return !patternsOf(stage).empty(); });
    });
    if (!anyPattern)
        return core::success();
    PSC_ASSIGN(const PatternPreview preview, PatternPreview::create(sweep.workload));
    PSC_TRY(preview.selections(pipelines));
    return core::success();
}

std::vector<std::string> summarised(const std::vector<std::string>& modules)
{
    std::vector<std::string> order;
    std::map<std::string, int> counts;
    for (const std::string& module : modules) {
        const std::string path = withoutNumbers(module);
        if (counts[path]++ == 0)
            order.push_back(path);
    }
    for (std::string& path : order)
        path += " (" + std::to_string(counts[path]) + ")";
    return order;
}

} // namespace paretoscope::jobs
