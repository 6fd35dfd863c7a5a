// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/metric_kind.h"
#include "core/sweep/choice_text.h"
#include "core/sweep/marked_value.h"
#include "core/sweep/sweep.h"

#include <algorithm>
#include <span>
#include <unordered_set>

namespace paretoscope::core {

namespace {

/// Plain where YAML reads it back as this text everywhere, else in double quotes (JSON's strings are YAML's).
std::string yamlText(const std::string& text)
{
    constexpr std::string_view kInner = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./- ";
    constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/";
    const bool isPlain = !text.empty() && kFirst.find(text.front()) != std::string_view::npos && text.back() != ' ' &&
                         text.find_first_not_of(kInner) == std::string::npos && plainScalar(text).is_string();
    if (isPlain)
        return text;
    std::string quoted;
    for (const char c : Json(text).dump()) // which leaves DEL as it is, and the reader takes no control character
        quoted += c == '\x7f' ? "\\u007f" : std::string(1, c);
    return quoted;
}

std::string yamlFlow(const Json& value);

std::string yamlList(const std::vector<Json>& values)
{
    std::string text;
    for (const Json& value : values)
        text += (text.empty() ? "" : ", ") + yamlFlow(value);
    return "[" + text + "]";
}

std::string yamlFlow(const Json& value)
{
    if (value.is_string())
        return yamlText(value.get<std::string>());
    if (value.is_array())
        return yamlList(value.get<std::vector<Json>>());
    if (!value.is_object())
        return canonicalJson(value);
    std::string text;
    for (const auto& [key, item] : value.items())
        text += (text.empty() ? "" : ", ") + yamlText(key) + ": " + yamlFlow(item);
    return "{" + text + "}";
}

/// {FILE-KEY: ..., and what differs from the defaults}.
std::string yamlFileOptions(const Json& options, const std::string& fileKey, const Json& defaults)
{
    std::string text = "{" + fileKey + ": " + yamlFlow(options.value(fileKey, Json("")));
    for (const auto& [key, value] : options.items()) {
        if (key != fileKey && value != defaults.value(key, Json()))
            text += ", " + yamlText(key) + ": " + yamlFlow(value);
    }
    return text + "}";
}

/// Nothing is left out of the options of a metric that is not known.
std::string yamlMetric(const MetricSpec& metric)
{
    const Result<const MetricKind*> kind = findMetricKind(metric.name);
    const std::string fileKey(kind.ok() ? kind.value()->file : "corpus");
    const Result<Json> defaults = kind.ok() ? kind.value()->complete({{fileKey, "-"}}) : Result<Json>(Json::object());
    return yamlText(metric.name) + ": " +
           yamlFileOptions(metric.options, fileKey, defaults.ok() ? defaults.value() : Json::object());
}

/// The parameters of all stages of pipelines that have the same shape, as a grid.
struct Axis
{
    std::size_t stage = 0;
    std::string name;
    std::vector<Json> values; ///< in order of appearance
    std::size_t stride = 0;   ///< index of the first pipeline with another value; 0: none has
};

bool haveEqualShape(const Pipeline& a, const Pipeline& b)
{
    return std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(),
                      [](const StageSpec& x, const StageSpec& y) {
                          return x.plugin == y.plugin && x.given.size() == y.given.size() &&
                                 std::equal(x.given.items().begin(), x.given.items().end(), y.given.items().begin(),
                                            [](const auto& p, const auto& q) { return p.key() == q.key(); });
                      });
}

std::vector<Axis> axesOf(std::span<const Pipeline> run)
{
    std::vector<Axis> axes;
    for (std::size_t stage = 0; stage < run[0].stages.size(); ++stage) {
        for (const auto& [name, first] : run[0].stages[stage].given.items()) {
            Axis axis {stage, name, {}, 0};
            std::unordered_set<std::string> seen;
            for (std::size_t i = 0; i < run.size(); ++i) {
                const Json& value = run[i].stages[stage].given.at(name);
                if (axis.stride == 0 && value != first)
                    axis.stride = i;
                if (seen.insert(value.dump()).second)
                    axis.values.push_back(value);
            }
            axes.push_back(std::move(axis));
        }
    }
    // Within a stage the slowest parameter is written first, those with one value last.
    std::stable_sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) {
        return a.stage != b.stage ? a.stage < b.stage : a.stride > b.stride;
    });
    return axes;
}

/// Whether writing the axes one after the other, the last one fastest, gives exactly this run.
bool isGrid(std::span<const Pipeline> run, const std::vector<Axis>& axes)
{
    std::size_t product = 1;
    for (const Axis& axis : axes)
        product = product > run.size() ? product : product * axis.values.size();
    if (axes.empty() || product != run.size())
        return run.size() == 1;
    for (std::size_t i = 0; i < run.size(); ++i) {
        std::size_t rest = i;
        for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
            if (run[i].stages[axis->stage].given.at(axis->name) != axis->values[rest % axis->values.size()])
                return false;
            rest /= axis->values.size();
        }
    }
    return true;
}

std::string yamlPipeline(const Pipeline& pipeline, const std::vector<Axis>& axes)
{
    std::string text;
    for (std::size_t stage = 0; stage < pipeline.stages.size(); ++stage) {
        std::string parameters;
        for (const Axis& axis : axes) {
            if (axis.stage != stage)
                continue;
            const bool isSingle = axis.values.size() == 1;
            parameters += (parameters.empty() ? "" : ", ") + yamlText(axis.name) + ": " +
                          (isSingle ? yamlFlow(axis.values[0]) : yamlList(axis.values));
        }
        text += (text.empty() ? "" : ", ") + yamlText(pipeline.stages[stage].plugin) + ": {" + parameters + "}";
    }
    return "  - [" + text + "]\n";
}

std::string yamlPipelines(std::span<const Pipeline> pipelines)
{
    std::string text;
    while (!pipelines.empty()) {
        std::size_t count = 1;
        while (count < pipelines.size() && haveEqualShape(pipelines[0], pipelines[count]))
            ++count;
        const std::vector<Axis> axes = axesOf(pipelines.first(count));
        if (isGrid(pipelines.first(count), axes)) {
            text += yamlPipeline(pipelines[0], axes);
        } else {
            for (const Pipeline& pipeline : pipelines.first(count))
                text += yamlPipeline(pipeline, axesOf({&pipeline, 1}));
        }
        pipelines = pipelines.subspan(count);
    }
    return text;
}

/// {bits: [2, 3], rtn.group_size: {from: 32, to: 64}}
std::string yamlConditions(const ParameterChoice& choice, const PipelineSpace& entry)
{
    std::string text;
    for (const ParameterCondition& condition : choice.when) {
        const std::string plugin =
            condition.stage == choice.stage ? "" : entry.first.stages[condition.stage].plugin + ".";
        text += (text.empty() ? "" : ", ") + yamlText(plugin + condition.parameter) + ": ";
        if (!condition.allowed.empty()) {
            text += condition.allowed.size() == 1 ? yamlFlow(condition.allowed[0]) : yamlList(condition.allowed);
            continue;
        }
        Json bounds = Json::object();
        if (condition.from)
            bounds["from"] = *condition.from;
        if (condition.to)
            bounds["to"] = *condition.to;
        text += yamlFlow(bounds);
    }
    return "{" + text + "}";
}

/// What is given once comes first: conditions look at what stands above.
std::string yamlEntry(const PipelineSpace& entry)
{
    std::string text;
    for (std::size_t stage = 0; stage < entry.first.stages.size(); ++stage) {
        std::string chosen;
        Json given = entry.first.stages[stage].given;
        for (const ParameterChoice& choice : entry.choices) {
            if (choice.stage != stage)
                continue;
            given.erase(choice.parameter);
            chosen += (chosen.empty() ? "" : ", ") + yamlText(choice.parameter) + ": " + choiceText(choice, entry);
        }
        std::string parameters;
        for (const auto& [name, value] : given.items())
            parameters += (parameters.empty() ? "" : ", ") + yamlText(name) + ": " + yamlFlow(value);
        parameters += (parameters.empty() || chosen.empty() ? "" : ", ") + chosen;
        text += (text.empty() ? "" : ", ") + yamlText(entry.first.stages[stage].plugin) + ": {" + parameters + "}";
    }
    return "  - [" + text + "]\n";
}

std::string yamlEntries(const std::vector<PipelineSpace>& entries)
{
    std::string text;
    for (const PipelineSpace& entry : entries)
        text += yamlEntry(entry);
    return text;
}

std::string yamlSeeds(const Sweep& sweep)
{
    if (sweep.repeatSeeds.empty())
        return std::to_string(sweep.seed);
    std::vector<Json> seeds {sweep.seed};
    seeds.insert(seeds.end(), sweep.repeatSeeds.begin(), sweep.repeatSeeds.end());
    return yamlList(seeds);
}

} // namespace

std::string choiceText(const ParameterChoice& choice, const PipelineSpace& entry)
{
    const ParameterValues& values = choice.values;
    std::string text;
    if (values.isInterval())
        text = "from: " + yamlFlow(values.from) + ", to: " + yamlFlow(values.to) +
               (values.isLogarithmic ? ", log: true" : "");
    else if (choice.when.empty())
        return yamlList(values.levels);
    else
        text = "values: " + (values.levels.size() == 1 ? yamlFlow(values.levels[0]) : yamlList(values.levels));
    return "{" + text + (choice.when.empty() ? "" : ", when: " + yamlConditions(choice, entry)) + "}";
}

std::string writeSweep(const Sweep& sweep)
{
    const WorkloadSpec& workload = sweep.workload;
    std::string text = "paretoscope: 1\nname: " + yamlText(sweep.name) + "\nworkload:\n";
    text += "  kind: " + yamlText(workload.kind) + "\n";
    text += "  model: " + yamlText(workload.model.string()) + "\n";
    if (workload.calibration) {
        text +=
            "  calibration: " + yamlFileOptions(workload.calibration->toJson(), "corpus", CalibrationSpec {}.toJson()) +
            "\n";
    }
    text += "  evaluate:\n";
    for (std::size_t i = 0; i < workload.evaluate.size(); ++i) {
        const bool isAdded = !sweep.rungs.empty() && std::find(sweep.rungs.back().begin(), sweep.rungs.back().end(),
                                                               int(i)) == sweep.rungs.back().end();
        if (!isAdded) // what successive halving measures on the way
            text += "    - " + yamlMetric(workload.evaluate[i]) + "\n";
    }
    text += "pipelines:\n" + (sweep.isGrid() ? yamlPipelines(sweep.pipelines) : yamlEntries(sweep.entries));
    text += "driver: " + yamlFlow(sweep.driver) + "\n";
    text += "objectives: " + yamlFlow(sweep.objectives) + "\n";
    text += "seed: " + yamlSeeds(sweep) + "\n";
    return text;
}

} // namespace paretoscope::core
