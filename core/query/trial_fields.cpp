// SPDX-License-Identifier: Apache-2.0
#include "core/query/trial_fields.h"

#include <algorithm>
#include <array>
#include <set>

namespace paretoscope::core {

namespace {

using Values = std::vector<FieldValue>;

std::string aliasOf(const std::string& plugin)
{
    return plugin.substr(plugin.rfind('/') + 1);
}

std::string pluginOf(const Json& stage)
{
    const auto plugin = stage.find("plugin");
    return plugin != stage.end() && plugin->is_string() ? plugin->get<std::string>() : std::string();
}

/// Calls `visit(plugin, parameters)` for each stage; a pipeline from a stranger's file may have any shape.
template <typename Visit>
void forEachStage(const TrialRecord& trial, const Visit& visit)
{
    if (!trial.pipeline.is_array())
        return;
    for (const Json& stage : trial.pipeline) {
        if (!stage.is_object())
            continue;
        const auto parameters = stage.find("parameters");
        visit(pluginOf(stage),
              parameters != stage.end() && parameters->is_object() ? *parameters : Json(Json::object()));
    }
}

FieldValue valueOf(const Json& json)
{
    if (json.is_number())
        return json.get<double>();
    if (json.is_string())
        return json.get<std::string>();
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct FixedField
{
    std::string_view name;
    Values (*values)(const TrialRecord& trial);
};

Values textIfAny(const std::string& text)
{
    return text.empty() ? Values {} : Values {text};
}

Values pluginsOf(const TrialRecord& trial)
{
    Values values;
    forEachStage(trial, [&](const std::string& plugin, const Json&) {
        values.emplace_back(aliasOf(plugin));
        values.emplace_back(plugin);
    });
    return values;
}

/// A seed that no double holds exactly is a text.
FieldValue seedOf(const TrialRecord& trial)
{
    constexpr std::uint64_t kExact = std::uint64_t(1) << 53;
    if (trial.seed <= kExact)
        return static_cast<double>(trial.seed);
    return std::to_string(trial.seed);
}

std::string familyOf(const TrialRecord& trial)
{
    const auto family = trial.provenance.is_object() ? trial.provenance.find("family") : trial.provenance.end();
    return family != trial.provenance.end() && family->is_string() ? family->get<std::string>() : std::string();
}

constexpr std::array<FixedField, 14> kFixedFields {{
    {"id", [](const TrialRecord& t) { return Values {t.id.hex()}; }},
    {"pipeline", [](const TrialRecord& t) { return textIfAny(t.label); }},
    {"workload", [](const TrialRecord& t) { return textIfAny(t.workload); }},
    {"family", [](const TrialRecord& t) { return textIfAny(familyOf(t)); }},
    {"sweep", [](const TrialRecord& t) { return textIfAny(t.sweep); }},
    {"status", [](const TrialRecord& t) { return Values {std::string(trialStatusName(t.status))}; }},
    {"seed", [](const TrialRecord& t) { return Values {seedOf(t)}; }},
    {"seconds", [](const TrialRecord& t) { return Values {t.seconds}; }},
    {"attempts", [](const TrialRecord& t) { return Values {static_cast<double>(t.attempts)}; }},
    {"started", [](const TrialRecord& t) { return textIfAny(t.startedUtc); }},
    {"finished", [](const TrialRecord& t) { return textIfAny(t.finishedUtc); }},
    {"stages",
     [](const TrialRecord& t) { return Values {static_cast<double>(t.pipeline.is_array() ? t.pipeline.size() : 0)}; }},
    {"plugin", pluginsOf},
    {"tag", [](const TrialRecord& t) { return Values(t.tags.begin(), t.tags.end()); }},
}};

void add(std::vector<FieldReading>& readings, FieldValue value, const MetricRecord* metric)
{
    FieldReading& reading = readings.emplace_back(); // in place: GCC 12 warns of a moved variant
    reading.value = std::move(value);
    reading.metric = metric;
}

/// "perplexity.standard_error": what is known of a measurement beside its value.
struct Aspect
{
    std::string_view suffix;
    std::optional<FieldValue> (*value)(const MetricRecord& metric);
};

constexpr std::array<Aspect, 3> kAspects {{
    {".standard_error",
     [](const MetricRecord& m) {
         return m.standardError ? std::optional<FieldValue>(*m.standardError) : std::nullopt;
     }},
    {".n", [](const MetricRecord& m) { return std::optional<FieldValue>(static_cast<double>(m.n)); }},
    {".protocol",
     [](const MetricRecord& m) { return m.protocol.empty() ? std::nullopt : std::optional<FieldValue>(m.protocol); }},
}};

const Aspect* aspectOf(std::string_view name)
{
    const auto found = std::find_if(kAspects.begin(), kAspects.end(),
                                    [&](const Aspect& aspect) { return name.ends_with(aspect.suffix); });
    return found == kAspects.end() ? nullptr : &*found;
}

std::vector<FieldReading> metricReadings(const TrialRecord& trial, std::string_view name)
{
    const Aspect* aspect = aspectOf(name);
    if (aspect)
        name.remove_suffix(aspect->suffix.size());
    const std::size_t at = name.find('@');
    const std::string_view metric = name.substr(0, at);
    const std::string_view protocol = at == std::string_view::npos ? std::string_view() : name.substr(at + 1);
    std::vector<FieldReading> readings;
    for (const MetricRecord& record : trial.metrics) {
        if (record.name != metric || !record.value || record.protocol.find(protocol) == std::string::npos)
            continue;
        if (auto value = aspect ? aspect->value(record) : std::optional<FieldValue>(*record.value))
            add(readings, std::move(*value), &record);
    }
    return readings;
}

std::vector<FieldReading> unmeasured(Values values)
{
    std::vector<FieldReading> readings;
    for (FieldValue& value : values)
        add(readings, std::move(value), nullptr);
    return readings;
}

Values parameterValues(const TrialRecord& trial, std::string_view name)
{
    const std::size_t dot = name.rfind('.');
    const std::string_view plugin = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    const std::string parameter(dot == std::string_view::npos ? name : name.substr(dot + 1));
    Values values;
    forEachStage(trial, [&](const std::string& id, const Json& parameters) {
        const auto found = parameters.find(parameter);
        if (found != parameters.end() && (plugin.empty() || plugin == id || plugin == aliasOf(id)))
            values.push_back(valueOf(*found));
    });
    return values;
}

} // namespace

std::vector<FieldReading> fieldReadings(const TrialRecord& trial, std::string_view name)
{
    for (const FixedField& field : kFixedFields) {
        if (field.name == name)
            return unmeasured(field.values(trial));
    }
    std::vector<FieldReading> measured = metricReadings(trial, name);
    return measured.empty() ? unmeasured(parameterValues(trial, name)) : measured;
}

std::vector<FieldValue> fieldValues(const TrialRecord& trial, std::string_view name)
{
    std::vector<FieldValue> values;
    for (FieldReading& reading : fieldReadings(trial, name))
        values.push_back(std::move(reading.value));
    return values;
}

std::vector<std::string> fieldNames(std::span<const TrialRecord> trials)
{
    std::set<std::string> names;
    for (const FixedField& field : kFixedFields)
        names.emplace(field.name);
    for (const TrialRecord& trial : trials) {
        for (const MetricRecord& metric : trial.metrics) {
            names.insert(metric.name);
            if (metric.standardError) {
                for (const Aspect& aspect : kAspects)
                    names.insert(metric.name + std::string(aspect.suffix));
            }
        }
        forEachStage(trial, [&](const std::string& plugin, const Json& parameters) {
            for (const auto& item : parameters.items()) {
                names.insert(item.key());
                names.insert(aliasOf(plugin) + "." + item.key());
            }
        });
    }
    return {names.begin(), names.end()};
}

} // namespace paretoscope::core
