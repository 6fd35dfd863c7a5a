// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/plugin_text.h"

#include "app/format/number.h"
#include "app/format/table.h"
#include "app/format/text.h"

#include <algorithm>

namespace paretoscope::app {

namespace {

constexpr int kTextWidth = 100;

std::string plain(const core::Json& value)
{
    if (value.is_string())
        return value.get<std::string>();
    return value.is_null() ? "-" : value.dump(-1, ' ', false, core::Json::error_handler_t::replace);
}

const char* typeName(core::ParameterType type)
{
    switch (type) {
    case core::ParameterType::Integer:
        return "integer";
    case core::ParameterType::Number:
        return "number";
    case core::ParameterType::Boolean:
        return "boolean";
    case core::ParameterType::Text:
        return "text";
    case core::ParameterType::Choice:
        return "choice";
    case core::ParameterType::List:
        return "list";
    }
    return "";
}

core::Json parameterJson(const core::ParameterSpec& parameter)
{
    core::Json json {{"name", parameter.name},
                     {"type", typeName(parameter.type)},
                     {"default", parameter.defaultValue},
                     {"unit", parameter.unit},
                     {"doc", parameter.doc},
                     {"cut", parameter.cut}};
    if (parameter.minimum)
        json[parameter.minimumExcluded ? "exclusiveMinimum" : "minimum"] = *parameter.minimum;
    if (parameter.maximum)
        json["maximum"] = *parameter.maximum;
    if (!parameter.special.empty())
        json["special"] = parameter.special;
    if (!parameter.allowed.empty())
        json["enum"] = parameter.allowed;
    return json;
}

} // namespace

core::Json pluginJson(const core::PluginManifest& plugin)
{
    core::Json papers = core::Json::array();
    for (const core::Paper& paper : plugin.papers)
        papers.push_back(
            {{"title", paper.title}, {"authors", paper.authors}, {"year", paper.year}, {"url", paper.url}});
    core::Json parameters = core::Json::array();
    for (const core::ParameterSpec& parameter : plugin.parameters)
        parameters.push_back(parameterJson(parameter));
    return {{"id", plugin.id},
            {"alias", plugin.alias()},
            {"name", plugin.name},
            {"version", plugin.version},
            {"kind", core::pluginKindName(plugin.kind)},
            {"summary", plugin.summary},
            {"papers", papers},
            {"applies_to", plugin.appliesTo},
            {"needs", plugin.needs},
            {"produces", plugin.produces},
            {"cost_hint", plugin.costHint},
            {"parameters", parameters},
            {"manifest_sha256", plugin.digest.hex()},
            {"folder", plugin.folder.string()}};
}

std::string pluginText(const core::PluginManifest& plugin, const Stream& stream)
{
    const auto width = static_cast<std::size_t>(stream.width > 0 ? std::min(stream.width, kTextWidth) : kTextWidth);
    std::string text = Console::styled(printable(plugin.name), Emphasis::Strong, stream) + " (" + printable(plugin.id) +
                       ", version " + printable(plugin.version) + ", " +
                       std::string(core::pluginKindName(plugin.kind)) + ")\n";
    for (const std::string& line : wrapped(printable(plugin.summary), width))
        text += line + '\n';
    if (plugin.needsCalibration())
        text += "Needs calibration data.\n";
    if (!plugin.parameters.empty()) {
        TextTable table({{"parameter"}, {"default"}, {"allowed", false, true}, {"meaning", false, true}});
        for (const core::ParameterSpec& parameter : plugin.parameters)
            table.addRow({parameter.name, plain(parameter.defaultValue), parameter.allowedText(), parameter.doc});
        text += '\n' + table.text(stream);
    }
    for (const core::Paper& paper : plugin.papers) {
        text += text.back() == '\n' && &paper == plugin.papers.data() ? "\n" : "";
        const std::string line =
            paper.authors + ": " + paper.title + " (" + std::to_string(paper.year) + ") " + paper.url;
        for (const std::string& part : wrapped(printable(line), width))
            text += part + '\n';
    }
    return text;
}

} // namespace paretoscope::app
