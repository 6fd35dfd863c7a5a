// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/sweep/marked_fields.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

/// Whether the plugin is a stage that this workload can run.
Status checkStage(const SweepContext& context, const PluginManifest& manifest, Place place,
                  const WorkloadSpec& workload)
{
    if (manifest.kind != PluginKind::Stage)
        return context.source.error(
            place, manifest.id + " is no stage but of kind " + std::string(pluginKindName(manifest.kind)),
            "use a plugin of kind stage; `paretoscope plugins` lists them");
    const Json workloads = manifest.appliesTo.value("workloads", Json::array());
    if (!workloads.empty() && std::find(workloads.begin(), workloads.end(), workload.kind) == workloads.end())
        return context.source.error(place, manifest.id + " does not apply to a workload of kind " + workload.kind,
                                    "it applies to " + workloads.dump());
    if (manifest.needsCalibration() && !workload.calibration)
        return context.source.error(place, manifest.id + " needs calibration data, and workload.calibration is missing",
                                    "add calibration: {corpus: PATH, samples: 128, length: 2048} to workload");
    return success();
}

/// Whether a stage names the weights it works on, perhaps on conditions only.
bool choosesWeights(const PipelineSpace& entry, std::size_t stage)
{
    const auto isPattern = [](const std::string& parameter) { return parameter == "include" || parameter == "exclude"; };
    const Json& given = entry.first.stages[stage].given;
    return given.contains("include") || given.contains("exclude") ||
           std::any_of(entry.choices.begin(), entry.choices.end(), [&](const ParameterChoice& choice) {
               return choice.stage == stage && isPattern(choice.parameter);
           });
}

/// Whether the last stage may follow the ones before, as far as it can be told without the model: where all of them
/// take every weight.
Status checkOrder(const SweepContext& context, const PipelineSpace& entry, Place place)
{
    std::vector<PlacedStage> placed;
    for (std::size_t stage = 0; stage < entry.first.stages.size(); ++stage) {
        if (choosesWeights(entry, stage))
            return success();
        PSC_ASSIGN(const PluginManifest* plugin, context.plugins.find(entry.first.stages[stage].plugin));
        placed.push_back({plugin->role, plugin->alias()});
    }
    const PlacedStage last = placed.back();
    placed.pop_back();
    const Status fits = checkSuccession(placed, last);
    return fits.ok() ? fits : context.source.error(place, fits.error());
}

Status addStage(const SweepContext& context, const std::string& plugin, Place place, const MarkedValue* parameters,
                const WorkloadSpec& workload, PipelineSpace& entry)
{
    const Result<const PluginManifest*> found = context.plugins.find(plugin);
    if (!found.ok())
        return context.source.error(place, found.error());
    const PluginManifest& manifest = *found.value();
    PSC_TRY(checkStage(context, manifest, place, workload));
    if (parameters && !parameters->isMap() && !parameters->isNull())
        return context.source.error(parameters->place, manifest.id + ": " + parameters->shown() + " are not parameters",
                                    "write " + plugin + ": {name: value, ...}");

    const std::size_t number = entry.first.stages.size();
    StageSpec& stage = entry.first.stages.emplace_back();
    stage.plugin = manifest.id;
    stage.version = manifest.version;
    stage.given = Json::object();
    stage.needsCalibration = manifest.needsCalibration();
    Json complete = Json::object(); // also what is given on conditions, so that a parameter without default is one
    for (std::size_t i = 0; parameters && i < parameters->keys.size(); ++i) {
        const std::string& name = parameters->keys[i];
        const ParameterSpec* spec = manifest.parameter(name);
        if (!spec) // let the one place that knows how say it
            return context.source.error(placeOfEntry(*parameters, i),
                                        resolveParameters(manifest, {{name, nullptr}}).error());
        PSC_ASSIGN(ParameterChoice choice,
                   readParameter(context, {manifest, *spec, parameters->items[i]}, *parameters, i, entry));
        choice.stage = number;
        const Json first = choice.values.at(0);
        complete[name] = choice.when.empty() ? first : spec->defaultValue;
        if (choice.when.empty())
            stage.given[name] = first;
        if (!choice.when.empty() || choice.values.isInterval() || choice.values.levels.size() > 1)
            entry.choices.push_back(std::move(choice));
    }
    Result<Json> resolved = resolveParameters(manifest, complete);
    if (!resolved.ok())
        return context.source.error(place, resolved.error());
    stage.parameters = std::move(resolved).value();
    for (const ParameterSpec& spec : manifest.parameters) {
        if (spec.namesModel)
            stage.models.push_back(spec.name);
        if (spec.cut)
            stage.cuts.push_back(spec.name);
    }
    PSC_TRY(checkOrder(context, entry, place));
    return success();
}

/// `rtn`, or {rtn: {...}, eora: {...}}.
Status addStages(const SweepContext& context, const MarkedValue& value, const std::string& what,
                 const WorkloadSpec& workload, PipelineSpace& entry)
{
    if (value.isMap()) {
        for (std::size_t i = 0; i < value.items.size(); ++i)
            PSC_TRY(addStage(context, value.keys[i], value.keyPlaces[i], &value.items[i], workload, entry));
        return success();
    }
    if (value.isSequence() || value.isNull())
        return context.source.error(value.place, what + " holds " + value.shown() + " where a stage is expected",
                                    "write plugin: {parameter: value}; [] alone is the baseline");
    return addStage(context, value.text, value.place, nullptr, workload, entry);
}

Result<PipelineSpace> readEntry(const SweepContext& context, const MarkedValue& value, const std::string& what,
                                const WorkloadSpec& workload)
{
    PipelineSpace entry;
    const bool isBaseline = value.kind == MarkedValue::Kind::Scalar && value.text == "baseline";
    if (isBaseline)
        return entry;
    if (!value.isSequence()) {
        PSC_TRY(addStages(context, value, what, workload, entry));
        return entry;
    }
    for (const MarkedValue& item : value.items)
        PSC_TRY(addStages(context, item, what, workload, entry));
    return entry;
}

/// A grid goes through all values, so there must not be too many of them.
Status checkGrid(const SweepContext& context, const PipelineSpace& entry, const MarkedValue& value,
                 const std::string& what, std::size_t& total)
{
    if (const ParameterChoice* choice = entry.interval())
        return context.source.error(value.place,
                                    what + ": " + entry.first.stages[choice->stage].plugin + ": " + choice->parameter +
                                        " is a range without steps, and a grid needs its values",
                                    "add step, factor or count to the range, or let another driver choose");
    total += entry.count(kMaxTrials);
    if (total > kMaxTrials)
        return context.source.error(value.place,
                                    what + " brings the sweep above " + std::to_string(kMaxTrials) + " trials",
                                    "shorten its parameter lists, or split the sweep");
    return success();
}

} // namespace

Result<std::vector<PipelineSpace>> readPipelines(const SweepContext& context, const MarkedValue& value,
                                                 const WorkloadSpec& workload, bool isGrid)
{
    if (!value.isSequence() || value.items.empty())
        return context.source.error(value.place, "pipelines is " + value.shown() + ", not a list of pipelines",
                                    "write - [] for the baseline and - [rtn: {bits: [3, 4]}]");
    std::vector<PipelineSpace> entries;
    std::size_t total = 0;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const std::string what = "pipelines[" + std::to_string(i) + "]";
        PSC_ASSIGN(PipelineSpace entry, readEntry(context, value.items[i], what, workload));
        if (isGrid)
            PSC_TRY(checkGrid(context, entry, value.items[i], what, total));
        entries.push_back(std::move(entry));
    }
    return entries;
}

} // namespace paretoscope::core
