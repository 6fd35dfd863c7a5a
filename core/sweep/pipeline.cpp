// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/sweep.h"

#include <algorithm>

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

/// The last part of its path: what people call a model.
std::string modelName(const Json& path)
{
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

bool Pipeline::needsCalibration() const
{
    return std::any_of(stages.begin(), stages.end(), [](const StageSpec& stage) { return stage.needsCalibration; });
}

} // namespace paretoscope::core
