// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

namespace paretoscope::core {

namespace {

std::vector<std::string> split(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

MarkedValue plainValue(std::string_view text, Place place)
{
    MarkedValue value;
    value.place = place;
    value.text = std::string(text);
    value.scalar = plainScalar(text);
    return value;
}

void moveTo(MarkedValue& value, Place place)
{
    value.place = place;
    std::fill(value.keyPlaces.begin(), value.keyPlaces.end(), place);
    for (MarkedValue& item : value.items)
        moveTo(item, place);
}

/// One --set argument being laid over the tree.
class Override
{
public:
    Override(const SourceText& source, std::size_t index, const PluginCatalogue& plugins)
        : m_source(source)
        , m_plugins(plugins)
        , m_place {0, static_cast<int>(index)}
    {}

    Status apply(MarkedValue& root)
    {
        const std::string& argument = m_source.overrides[static_cast<std::size_t>(m_place.override)];
        const std::size_t equals = argument.find('=');
        if (equals == std::string::npos || equals == 0)
            return error("is not path=value", "write e.g. --set stage.gptq.bits=3,4");
        const std::vector<std::string> path = split(std::string_view(argument).substr(0, equals), '.');
        if (std::any_of(path.begin(), path.end(), [](const std::string& part) { return part.empty(); }))
            return error("has an empty part in its path", "write e.g. --set workload.model=DIR");
        const bool isGrid = path[0] == "stage" || path[0] == "seed" || path[0] == "objectives";
        PSC_ASSIGN(const MarkedValue value, readValue(std::string_view(argument).substr(equals + 1), isGrid));
        return path[0] == "stage" ? setInStages(root, path, value) : setAt(root, path, value);
    }

private:
    Error error(std::string_view message, std::string hint, ErrorCode code = ErrorCode::InvalidArgument) const
    {
        return m_source.error(m_place, message, std::move(hint), code);
    }

    /// "3,4" is two values where several make sense; "[..." and "{..." are YAML; quotes protect commas.
    Result<MarkedValue> readValue(std::string_view text, bool isGrid) const
    {
        text = trimmed(text);
        const bool isYaml = !text.empty() &&
                            (text.front() == '[' || text.front() == '{' || text.front() == '"' || text.front() == '\'');
        if (isYaml) {
            const std::string wrapped = "[" + std::string(text) + "]";
            const SourceText source {m_source.where(m_place), wrapped, {}};
            PSC_ASSIGN(MarkedValue list, readYaml(source));
            moveTo(list, m_place);
            if (list.items.size() == 1)
                return std::move(list.items[0]);
            if (!isGrid)
                return error("has more than one value", "put a text with commas in quotes");
            return list;
        }
        const std::vector<std::string> parts = isGrid ? split(text, ',') : std::vector<std::string> {std::string(text)};
        if (parts.size() == 1)
            return plainValue(text, m_place);
        MarkedValue list;
        list.kind = MarkedValue::Kind::Sequence;
        list.place = m_place;
        for (const std::string& part : parts) {
            if (trimmed(part).empty())
                return error("has an empty value between its commas", "write value,value");
            list.items.push_back(plainValue(trimmed(part), m_place));
        }
        return list;
    }

    Status setAt(MarkedValue& node, std::span<const std::string> path, const MarkedValue& value) const
    {
        const std::string& part = path.front();
        if (node.isNull()) { // `workload:` with nothing below, or what was made on the way here
            node = MarkedValue();
            node.kind = MarkedValue::Kind::Map;
            node.place = m_place;
        }
        if (node.isSequence())
            return setInSequence(node, path, value);
        if (!node.isMap())
            return error("goes through " + node.shown() + ", which holds no \"" + part + "\"", "shorten the path");
        if (path.size() == 1) {
            node.set(part, value);
            return success();
        }
        if (!node.find(part))
            node.set(part, plainValue("", m_place));
        return setAt(*node.find(part), path.subspan(1), value);
    }

    /// By number from 0, or in every entry that is a Map with that key.
    Status setInSequence(MarkedValue& node, std::span<const std::string> path, const MarkedValue& value) const
    {
        const std::string& part = path.front();
        std::size_t index = 0;
        const auto [last, failure] = std::from_chars(part.data(), part.data() + part.size(), index);
        if (failure == std::errc() && last == part.data() + part.size()) {
            if (index >= node.items.size())
                return error("names entry " + part + " of a list with " + std::to_string(node.items.size()),
                             "count from 0");
            if (path.size() > 1)
                return setAt(node.items[index], path.subspan(1), value);
            node.items[index] = value;
            return success();
        }
        bool found = false;
        std::vector<std::string> known;
        for (MarkedValue& item : node.items) {
            known.insert(known.end(), item.keys.begin(), item.keys.end());
            if (!item.isMap() || !item.find(part))
                continue;
            PSC_TRY(setAt(item, path, value));
            found = true;
        }
        if (!found)
            return error("finds no \"" + part + "\" in a list", suggestion(part, known));
        return success();
    }

    Status setInStages(MarkedValue& root, const std::vector<std::string>& path, const MarkedValue& value) const
    {
        if (path.size() < 3)
            return error("is not stage.PLUGIN.PARAMETER=value", "write e.g. --set stage.gptq.bits=3,4");
        const Result<const PluginManifest*> wanted = m_plugins.find(path[1]);
        if (!wanted.ok())
            return m_source.error(m_place, wanted.error());
        bool found = false;
        MarkedValue* pipelines = root.isMap() ? root.find("pipelines") : nullptr;
        for (std::size_t i = 0; pipelines && i < pipelines->items.size(); ++i) {
            MarkedValue& entry = pipelines->items[i];
            const std::span<const std::string> below = std::span(path).subspan(2);
            if (!entry.isSequence()) {
                PSC_TRY(setInStage(entry, *wanted.value(), below, value, found));
                continue;
            }
            for (MarkedValue& item : entry.items)
                PSC_TRY(setInStage(item, *wanted.value(), below, value, found));
        }
        if (!found)
            return error("finds no stage of " + wanted.value()->id + " in the pipelines",
                         "add one to the file, or name another plugin");
        return success();
    }

    /// `rtn`, or {rtn: {...}, gptq: {...}}; `found` becomes true when a stage of the plugin was there.
    Status setInStage(MarkedValue& stages, const PluginManifest& wanted, std::span<const std::string> path,
                      const MarkedValue& value, bool& found) const
    {
        const auto isWanted = [&](const std::string& name) {
            const Result<const PluginManifest*> plugin = m_plugins.find(name);
            return plugin.ok() && plugin.value() == &wanted;
        };
        if (stages.kind == MarkedValue::Kind::Scalar && isWanted(stages.text)) {
            MarkedValue map;
            map.kind = MarkedValue::Kind::Map;
            map.place = stages.place;
            map.set(stages.text, plainValue("", stages.place));
            stages = std::move(map);
        }
        for (std::size_t i = 0; stages.isMap() && i < stages.keys.size(); ++i) {
            if (!isWanted(stages.keys[i]))
                continue;
            found = true;
            MarkedValue& parameters = stages.items[i];
            if (parameters.isNull()) {
                parameters.kind = MarkedValue::Kind::Map;
                parameters.scalar = nullptr;
            }
            if (parameters.isMap()) // anything else is refused when the stage is read
                PSC_TRY(setAt(parameters, path, value));
        }
        return success();
    }

    const SourceText& m_source;
    const PluginCatalogue& m_plugins;
    Place m_place;
};

} // namespace

Status applyOverrides(MarkedValue& root, const SourceText& source, const PluginCatalogue& plugins)
{
    for (std::size_t i = 0; i < source.overrides.size(); ++i)
        PSC_TRY(Override(source, i, plugins).apply(root));
    return success();
}

} // namespace paretoscope::core
