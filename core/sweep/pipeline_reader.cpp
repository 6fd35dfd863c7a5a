// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/sweep/marked_fields.h"
#include "core/sweep/sweep_parts.h"
#include "core/sweep/trial_exchange.h"

#include <algorithm>
#include <unordered_set>

namespace paretoscope::core {

namespace {

/// A parameter of a stage that has several values.
struct Axis
{
    std::size_t stage = 0;
    std::string parameter;
    std::vector<Json> values;
};

/// One entry of `pipelines` before its grid is expanded.
struct PipelineGrid
{
    Pipeline first;         ///< with the first value of each axis
    std::vector<Axis> axes; ///< in file order; the last one runs fastest

    /// At most `limit` + 1.
    std::size_t count(std::size_t limit) const
    {
        std::size_t product = 1;
        for (const Axis& axis : axes)
            product = product > limit ? product : product * axis.values.size(); // both are small: no overflow
        return std::min(product, limit + 1);
    }
};

/// A value as the parameter's type wants it: where a text is wanted, `16` and `true` are texts as well.
Json valueFor(const ParameterSpec& spec, const MarkedValue& value)
{
    const bool wantsText = spec.type == ParameterType::Text || spec.type == ParameterType::Choice ||
                           (spec.type == ParameterType::List && spec.itemType == ParameterType::Text);
    if (value.kind == MarkedValue::Kind::Scalar)
        return wantsText && !value.isNull() ? Json(value.text) : value.scalar;
    if (!wantsText || !value.isSequence())
        return value.toJson();
    Json list = Json::array();
    for (const MarkedValue& item : value.items)
        list.push_back(valueFor(spec, item));
    return list;
}

/// The values of one parameter: those of a list, or of a list of lists where the parameter itself is a list.
Result<std::vector<Json>> readValues(const SweepContext& context, const PluginManifest& manifest,
                                     const ParameterSpec& spec, const MarkedValue& value)
{
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
        return context.source.error(value.place, manifest.id + ": " + spec.name + " is an empty list",
                                    "give " + spec.allowedText() + ", or leave it out");
    std::vector<Json> values;
    for (const MarkedValue* alternative : alternatives) {
        Result<Json> resolved = resolveParameter(manifest, spec, valueFor(spec, *alternative));
        if (!resolved.ok())
            return context.source.error(alternative->place, resolved.error());
        if (spec.namesModel) {
            PSC_ASSIGN(const std::filesystem::path path,
                       readModelPath(context, *alternative, manifest.id + ": " + spec.name));
            resolved = Json(path.string());
        }
        if (std::find(values.begin(), values.end(), resolved.value()) == values.end())
            values.push_back(resolved.value());
    }
    return values;
}

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

bool choosesWeights(const StageSpec& stage)
{
    return stage.given.contains("include") || stage.given.contains("exclude");
}

/// Whether a stage may follow the ones before, as far as it can be told without the model: where both take every
/// weight.
Status checkOrder(const SweepContext& context, const Pipeline& before, const PluginManifest& manifest,
                  const StageSpec& stage, Place place)
{
    std::vector<PlacedStage> placed;
    bool isCertain = !choosesWeights(stage);
    for (const StageSpec& earlier : before.stages) {
        PSC_ASSIGN(const PluginManifest* plugin, context.plugins.find(earlier.plugin));
        isCertain = isCertain && !choosesWeights(earlier);
        placed.push_back({plugin->role, plugin->alias()});
    }
    const Status fits = checkSuccession(placed, {manifest.role, manifest.alias()});
    return isCertain && !fits.ok() ? context.source.error(place, fits.error()) : success();
}

Status addStage(const SweepContext& context, const std::string& plugin, Place place, const MarkedValue* parameters,
                const WorkloadSpec& workload, PipelineGrid& grid)
{
    const Result<const PluginManifest*> found = context.plugins.find(plugin);
    if (!found.ok())
        return context.source.error(place, found.error());
    const PluginManifest& manifest = *found.value();
    PSC_TRY(checkStage(context, manifest, place, workload));
    if (parameters && !parameters->isMap() && !parameters->isNull())
        return context.source.error(parameters->place, manifest.id + ": " + parameters->shown() + " are not parameters",
                                    "write " + plugin + ": {name: value, ...}");

    Json given = Json::object();
    for (std::size_t i = 0; parameters && i < parameters->keys.size(); ++i) {
        const std::string& name = parameters->keys[i];
        const ParameterSpec* spec = manifest.parameter(name);
        if (!spec) // let the one place that knows how say it
            return context.source.error(placeOfEntry(*parameters, i),
                                        resolveParameters(manifest, {{name, nullptr}}).error());
        PSC_ASSIGN(std::vector<Json> values, readValues(context, manifest, *spec, parameters->items[i]));
        given[name] = values.front();
        if (values.size() > 1)
            grid.axes.push_back({grid.first.stages.size(), name, std::move(values)});
    }
    Result<Json> resolved = resolveParameters(manifest, given);
    if (!resolved.ok())
        return context.source.error(place, resolved.error());
    StageSpec stage {manifest.id, manifest.version, std::move(resolved).value(), std::move(given),
                     manifest.needsCalibration()};
    for (const ParameterSpec& spec : manifest.parameters) {
        if (spec.namesModel)
            stage.models.push_back(spec.name);
        if (spec.cut)
            stage.cuts.push_back(spec.name);
    }
    PSC_TRY(checkOrder(context, grid.first, manifest, stage, place));
    grid.first.stages.push_back(std::move(stage));
    return success();
}

/// `rtn`, or {rtn: {...}, eora: {...}}.
Status addStages(const SweepContext& context, const MarkedValue& value, const std::string& what,
                 const WorkloadSpec& workload, PipelineGrid& grid)
{
    if (value.isMap()) {
        for (std::size_t i = 0; i < value.items.size(); ++i)
            PSC_TRY(addStage(context, value.keys[i], value.keyPlaces[i], &value.items[i], workload, grid));
        return success();
    }
    if (value.isSequence() || value.isNull())
        return context.source.error(value.place, what + " holds " + value.shown() + " where a stage is expected",
                                    "write plugin: {parameter: value}; [] alone is the baseline");
    return addStage(context, value.text, value.place, nullptr, workload, grid);
}

Result<PipelineGrid> readEntry(const SweepContext& context, const MarkedValue& entry, const std::string& what,
                               const WorkloadSpec& workload)
{
    PipelineGrid grid;
    const bool isBaseline = entry.kind == MarkedValue::Kind::Scalar && entry.text == "baseline";
    if (isBaseline)
        return grid;
    if (!entry.isSequence()) {
        PSC_TRY(addStages(context, entry, what, workload, grid));
        return grid;
    }
    for (const MarkedValue& item : entry.items)
        PSC_TRY(addStages(context, item, what, workload, grid));
    return grid;
}

/// All pipelines of a grid in order, those that are not in `seen` yet.
void expand(const PipelineGrid& grid, std::unordered_set<std::string>& seen, std::vector<Pipeline>& pipelines)
{
    std::vector<std::size_t> index(grid.axes.size(), 0);
    for (;;) {
        Pipeline pipeline = grid.first;
        for (std::size_t i = 0; i < index.size(); ++i) {
            const Axis& axis = grid.axes[i];
            StageSpec& stage = pipeline.stages[axis.stage];
            stage.parameters[axis.parameter] = axis.values[index[i]];
            stage.given[axis.parameter] = axis.values[index[i]];
        }
        if (seen.insert(canonicalJson(toJson(pipeline))).second)
            pipelines.push_back(std::move(pipeline));
        std::size_t digit = index.size();
        while (digit > 0 && ++index[digit - 1] == grid.axes[digit - 1].values.size())
            index[--digit] = 0;
        if (digit == 0)
            return;
    }
}

} // namespace

Result<std::vector<Pipeline>> readPipelines(const SweepContext& context, const MarkedValue& value,
                                            const WorkloadSpec& workload)
{
    if (!value.isSequence() || value.items.empty())
        return context.source.error(value.place, "pipelines is " + value.shown() + ", not a list of pipelines",
                                    "write - [] for the baseline and - [rtn: {bits: [3, 4]}]");
    std::vector<Pipeline> pipelines;
    std::unordered_set<std::string> seen;
    std::size_t total = 0;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const MarkedValue& entry = value.items[i];
        const std::string what = "pipelines[" + std::to_string(i) + "]";
        PSC_ASSIGN(const PipelineGrid grid, readEntry(context, entry, what, workload));
        total += grid.count(kMaxTrials);
        if (total > kMaxTrials)
            return context.source.error(entry.place,
                                        what + " brings the sweep above " + std::to_string(kMaxTrials) + " trials",
                                        "shorten its parameter lists, or split the sweep");
        expand(grid, seen, pipelines);
    }
    return pipelines;
}

} // namespace paretoscope::core
