// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/pipeline.h"

#include <algorithm>
#include <filesystem>

namespace paretoscope::core {

namespace {

std::string labelText(const Json& value)
{
    if (value.is_string())
        return value.get<std::string>();
    if (!value.is_array())
        return canonicalJson(value);
    std::string list;
    for (const Json& item : value)
        list += (list.empty() ? "" : ",") + labelText(item);
    return "[" + list + "]";
}

bool isModel(const StageSpec& stage, const std::string& parameter)
{
    return std::find(stage.models.begin(), stage.models.end(), parameter) != stage.models.end();
}

/// The last part of its path: what people call a model; of a list, those of its files.
std::string modelName(const Json& path)
{
    if (path.is_array()) {
        std::string names;
        for (const Json& file : path)
            names += (names.empty() ? "" : ",") + modelName(file);
        return "[" + names + "]";
    }
    return path.is_string() ? std::filesystem::path(path.get<std::string>()).filename().string() : labelText(path);
}

} // namespace

std::string Pipeline::label() const
{
    if (stages.empty())
        return "baseline";
    std::string text;
    for (const StageSpec& stage : stages) {
        text += text.empty() ? "" : " + ";
        text += stage.plugin.substr(stage.plugin.rfind('/') + 1);
        std::string parameters;
        for (const auto& [name, value] : stage.given.items())
            parameters += (parameters.empty() ? "" : ",") + name + "=" +
                          (isModel(stage, name) ? modelName(value) : labelText(value));
        if (!parameters.empty())
            text += "(" + parameters + ")";
    }
    return text;
}

std::vector<Pipeline::Step> Pipeline::steps() const
{
    std::vector<Step> steps;
    for (std::size_t stage = 0; stage < stages.size(); ++stage) {
        steps.push_back({stage, false});
        if (!stages[stage].cuts.empty())
            steps.push_back({stage, true});
    }
    return steps;
}

Pipeline Pipeline::beginning(std::size_t count) const
{
    Pipeline beginning;
    for (const Step& step : steps()) {
        if (count-- == 0)
            break;
        if (step.isCut) {
            beginning.stages.back() = stages[step.stage];
            continue;
        }
        StageSpec& stage = beginning.stages.emplace_back(stages[step.stage]);
        for (const std::string& parameter : stage.cuts) {
            stage.parameters.erase(parameter);
            stage.given.erase(parameter);
        }
        stage.cuts.clear();
    }
    return beginning;
}

bool Pipeline::needsCalibration() const
{
    return std::any_of(stages.begin(), stages.end(), [](const StageSpec& stage) { return stage.needsCalibration; });
}

} // namespace paretoscope::core
