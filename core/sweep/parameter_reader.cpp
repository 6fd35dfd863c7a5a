// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

Result<Json> resolved(const SweepContext& context, const PluginManifest& manifest, const ParameterSpec& spec,
                      const MarkedValue& value)
{
    Result<Json> result = resolveParameter(manifest, spec, plainParameter(spec, value));
    if (!result.ok())
        return context.source.error(value.place, result.error());
    return result;
}

/// A list of files, or one.
Result<Json> readFiles(const SweepContext& context, const ParameterPlace& place, const MarkedValue& value)
{
    Json paths = Json::array();
    const std::vector<MarkedValue> single {value};
    for (const MarkedValue& file : value.isSequence() ? value.items : single) {
        PSC_ASSIGN(const std::filesystem::path path, readFilePath(context, file, place.what()));
        paths.push_back(path.string());
    }
    return paths;
}

/// The stage that the key of a condition names, and its parameter: "bits", "rtn.bits".
struct Named
{
    std::size_t stage = 0;
    const PluginManifest* manifest = nullptr;
    const ParameterSpec* spec = nullptr;
};

/// One `when` being read.
class ConditionReader
{
public:
    ConditionReader(const SweepContext& context, const ParameterPlace& place, const PipelineSpace& entry)
        : m_context(context)
        , m_place(place)
        , m_entry(entry)
    {}

    /// @param below  keys of the stage that stand below the parameter
    Result<std::vector<ParameterCondition>> read(const MarkedValue& when, const std::vector<std::string>& below) const
    {
        if (!when.isMap() || when.items.empty())
            return error(when.place, "when is " + when.shown() + ", not parameters with their values",
                         "write e.g. when: {bits: [2, 3]}");
        std::vector<ParameterCondition> conditions;
        for (std::size_t i = 0; i < when.items.size(); ++i) {
            const Place key = placeOfEntry(when, i);
            PSC_ASSIGN(const Named named, find(when.keys[i], key));
            const bool isBelow = named.stage + 1 == m_entry.first.stages.size() &&
                                 std::find(below.begin(), below.end(), named.spec->name) != below.end();
            if (isBelow || (named.stage + 1 == m_entry.first.stages.size() && named.spec == &m_place.spec))
                return error(key, "when names " + when.keys[i] + ", which does not stand above",
                             "write " + named.spec->name + " before " + m_place.spec.name);
            PSC_ASSIGN(ParameterCondition condition, readOne(named, when.items[i]));
            if (!canHold(condition, named))
                return error(key, "when never holds: " + when.keys[i] + " is not " + when.items[i].shown() + " here",
                             "name a value that it has");
            conditions.push_back(std::move(condition));
        }
        return conditions;
    }

private:
    Error error(Place place, const std::string& message, std::string hint) const
    {
        return m_context.source.error(place, m_place.what() + ": " + message, std::move(hint));
    }

    Result<Named> find(const std::string& key, Place place) const
    {
        Named named;
        const std::size_t dot = key.rfind('.');
        const std::string parameter = dot == std::string::npos ? key : key.substr(dot + 1);
        named.stage = m_entry.first.stages.size() - 1;
        named.manifest = &m_place.manifest;
        if (dot != std::string::npos) {
            const Result<const PluginManifest*> plugin = m_context.plugins.find(key.substr(0, dot));
            if (!plugin.ok())
                return m_context.source.error(place, plugin.error().withContext(m_place.what() + ": when"));
            named.manifest = plugin.value();
            // The last one above: that is the model the stage gets.
            while (named.stage > 0 && m_entry.first.stages[named.stage - 1].plugin != named.manifest->id)
                --named.stage;
            if (named.stage == 0)
                return error(place, "when names " + key + ", and no stage above is " + named.manifest->id,
                             "a parameter of the same stage is named without its plugin");
            --named.stage;
        }
        named.spec = named.manifest->parameter(parameter);
        if (named.spec)
            return named;
        std::vector<std::string> known;
        for (const ParameterSpec& spec : named.manifest->parameters)
            known.push_back(spec.name);
        return error(place, "when: " + named.manifest->id + " has no parameter " + shownValue(parameter),
                     suggestion(parameter, known));
    }

    Result<ParameterCondition> readOne(const Named& named, const MarkedValue& value) const
    {
        ParameterCondition condition;
        condition.stage = named.stage;
        condition.parameter = named.spec->name;
        if (value.isMap()) {
            const std::string what = m_place.what() + ": when." + named.spec->name;
            PSC_ASSIGN(MarkedFields fields, MarkedFields::of(m_context.source, value, what));
            const MarkedValue* const from = fields.find("from");
            const MarkedValue* const to = fields.find("to");
            PSC_TRY(fields.refuseUnknown());
            for (const auto& [bound, target] : {std::pair(from, &condition.from), std::pair(to, &condition.to)}) {
                if (!bound)
                    continue;
                if (!bound->scalar.is_number())
                    return m_context.source.error(bound->place,
                                                  what + " is bounded by " + bound->shown() + ", no number",
                                                  "write {from: NUMBER, to: NUMBER}");
                *target = bound->scalar.get<double>();
            }
            return condition;
        }
        const bool isAlternatives = value.isSequence() && named.spec->type != ParameterType::List;
        const std::vector<MarkedValue> single {value};
        for (const MarkedValue& item : isAlternatives ? value.items : single) {
            PSC_ASSIGN(Json allowed, resolved(m_context, *named.manifest, *named.spec, item));
            condition.allowed.push_back(std::move(allowed));
        }
        if (condition.allowed.empty())
            return error(value.place, "when." + named.spec->name + " is an empty list", "name a value");
        return condition;
    }

    /// Whether some pipeline of the entry fulfils it.
    bool canHold(const ParameterCondition& condition, const Named& named) const
    {
        const Json& given = m_entry.first.stages[named.stage].given;
        for (const ParameterChoice& choice : m_entry.choices) {
            if (choice.stage != named.stage || choice.parameter != named.spec->name)
                continue;
            const std::vector<Json>& levels = choice.values.levels;
            const bool isAmong =
                std::any_of(levels.begin(), levels.end(), [&](const Json& value) { return condition.holds(value); });
            return choice.values.isInterval() || isAmong ||
                   (!choice.when.empty() && condition.holds(named.spec->defaultValue));
        }
        return condition.holds(given.value(named.spec->name, named.spec->defaultValue));
    }

    const SweepContext& m_context;
    const ParameterPlace& m_place;
    const PipelineSpace& m_entry;
};

} // namespace

Json plainParameter(const ParameterSpec& spec, const MarkedValue& value)
{
    const bool wantsText = spec.type == ParameterType::Text || spec.type == ParameterType::Choice ||
                           (spec.type == ParameterType::List && spec.itemType == ParameterType::Text);
    if (value.kind == MarkedValue::Kind::Scalar)
        return wantsText && !value.isNull() ? Json(value.text) : value.scalar;
    if (!wantsText || !value.isSequence())
        return value.toJson();
    Json list = Json::array();
    for (const MarkedValue& item : value.items)
        list.push_back(plainParameter(spec, item));
    return list;
}

Result<std::vector<Json>> readAlternatives(const SweepContext& context, const ParameterPlace& place,
                                           const MarkedValue& value)
{
    const ParameterSpec& spec = place.spec;
    std::vector<const MarkedValue*> alternatives {&value};
    const bool isList = spec.type == ParameterType::List;
    const bool holdsLists =
        value.isSequence() &&
        std::any_of(value.items.begin(), value.items.end(), [](const MarkedValue& item) { return item.isSequence(); });
    if (isList ? holdsLists : value.isSequence()) {
        alternatives.clear();
        for (const MarkedValue& item : value.items)
            alternatives.push_back(&item);
    }
    if (alternatives.empty())
        return context.source.error(value.place, place.what() + " is an empty list",
                                    "give " + spec.allowedText() + ", or leave it out");
    std::vector<Json> values;
    for (const MarkedValue* alternative : alternatives) {
        PSC_ASSIGN(Json one, resolved(context, place.manifest, spec, *alternative));
        if (spec.namesModel && isList) {
            PSC_ASSIGN(one, readFiles(context, place, *alternative));
        } else if (spec.namesModel) {
            PSC_ASSIGN(const std::filesystem::path path, readModelPath(context, *alternative, place.what()));
            one = Json(path.string());
        }
        if (std::find(values.begin(), values.end(), one) == values.end())
            values.push_back(std::move(one));
    }
    return values;
}

Result<ParameterChoice> readParameter(const SweepContext& context, const ParameterPlace& place,
                                      const MarkedValue& parameters, std::size_t index, const PipelineSpace& entry)
{
    ParameterChoice choice;
    choice.parameter = place.spec.name;
    if (!place.value.isMap()) {
        PSC_ASSIGN(choice.values.levels, readAlternatives(context, place, place.value));
        return choice;
    }
    PSC_ASSIGN(MarkedFields fields, MarkedFields::of(context.source, place.value, place.what()));
    const MarkedValue* const when = fields.find("when");
    const MarkedValue* const values = fields.find("values");
    if (values) {
        PSC_TRY(fields.refuseUnknown());
        PSC_ASSIGN(choice.values.levels, readAlternatives(context, place, *values));
    } else {
        PSC_ASSIGN(choice.values, readRange(context, place, fields));
    }
    if (!when)
        return choice;
    if (place.spec.defaultValue.is_null())
        return context.source.error(when->place,
                                    place.what() + " has no default, so it cannot be left out when a condition fails",
                                    "remove when");
    const std::vector<std::string> below(parameters.keys.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                                         parameters.keys.end());
    PSC_ASSIGN(choice.when, ConditionReader(context, place, entry).read(*when, below));
    return choice;
}

} // namespace paretoscope::core
