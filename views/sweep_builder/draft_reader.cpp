// SPDX-License-Identifier: GPL-3.0-or-later
// Drafts of sweeps that were read from a file.
#include "core/evaluation/metric_kind.h"
#include "core/sweep/choice_text.h"
#include "views/format/text.h"
#include "views/sweep_builder/sweep_draft.h"

#include <algorithm>
#include <functional>
#include <map>
#include <span>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

using core::Json;

const core::ParameterSpec* specOf(const core::PluginCatalogue& plugins, const core::StageSpec& stage,
                                  const std::string& parameter)
{
    const auto plugin = plugins.find(stage.plugin);
    return plugin.ok() ? plugin.value()->parameter(parameter) : nullptr;
}

QString textOf(const core::ParameterSpec* spec, const std::vector<Json>& values)
{
    return textOfValues(spec ? *spec : core::ParameterSpec {}, values);
}

bool haveEqualShape(const core::Pipeline& a, const core::Pipeline& b)
{
    const auto sameKeys = [](const core::StageSpec& x, const core::StageSpec& y) {
        return x.plugin == y.plugin && x.given.size() == y.given.size() &&
               std::equal(x.given.items().begin(), x.given.items().end(), y.given.items().begin(),
                          [](const auto& p, const auto& q) { return p.key() == q.key(); });
    };
    return std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(), sameKeys);
}

/// One entry for pipelines of one shape; `isGrid` when its lists give exactly as many pipelines back.
PipelineDraft merged(std::span<const core::Pipeline> run, const core::PluginCatalogue& plugins, bool& isGrid)
{
    PipelineDraft draft;
    std::size_t product = 1;
    for (std::size_t stage = 0; stage < run.front().stages.size(); ++stage) {
        const core::StageSpec& first = run.front().stages[stage];
        StageDraft drafted {toQString(first.plugin), {}, {}};
        std::multimap<std::size_t, QString, std::greater<>> slowest; // by the first pipeline that has another value
        for (const auto& [name, value] : first.given.items()) {
            std::vector<Json> values;
            for (std::size_t i = 0; i < run.size(); ++i) {
                const Json& other = run[i].stages[stage].given.at(name);
                if (std::find(values.begin(), values.end(), other) != values.end())
                    continue;
                if (values.size() == 1)
                    slowest.emplace(i, toQString(name));
                values.push_back(other);
            }
            product *= values.size();
            drafted.values[toQString(name)] = textOf(specOf(plugins, first, name), values);
        }
        for (const auto& [i, name] : slowest)
            drafted.order << name;
        draft.stages << drafted;
    }
    isGrid = product == run.size();
    return draft;
}

QList<PipelineDraft> pipelinesOf(std::span<const core::Pipeline> rest, const core::PluginCatalogue& plugins)
{
    QList<PipelineDraft> pipelines;
    while (!rest.empty()) {
        std::size_t count = 1;
        while (count < rest.size() && haveEqualShape(rest[0], rest[count]))
            ++count;
        bool isGrid = false;
        const PipelineDraft grid = merged(rest.first(count), plugins, isGrid);
        if (isGrid) {
            pipelines << grid;
        } else {
            for (std::size_t i = 0; i < count; ++i)
                pipelines << merged(rest.subspan(i, 1), plugins, isGrid);
        }
        rest = rest.subspan(count);
    }
    return pipelines;
}

/// An entry among which a driver chooses.
PipelineDraft pipelineOf(const core::PipelineSpace& entry, const core::PluginCatalogue& plugins)
{
    PipelineDraft draft;
    for (std::size_t stage = 0; stage < entry.first.stages.size(); ++stage) {
        const core::StageSpec& spec = entry.first.stages[stage];
        StageDraft drafted {toQString(spec.plugin), {}, {}};
        for (const auto& [name, value] : spec.given.items())
            drafted.values[toQString(name)] = textOf(specOf(plugins, spec, name), {value});
        for (const core::ParameterChoice& choice : entry.choices) {
            if (choice.stage != stage)
                continue;
            const QString name = toQString(choice.parameter);
            const bool isPlain = choice.when.empty() && !choice.values.isInterval();
            drafted.values[name] = isPlain ? textOf(specOf(plugins, spec, choice.parameter), choice.values.levels)
                                           : toQString(core::choiceText(choice, entry));
            drafted.order << name;
        }
        draft.stages << drafted;
    }
    return draft;
}

/// What successive halving measures on the way is not asked for by the file.
std::vector<core::MetricSpec> askedMetrics(const core::Sweep& sweep)
{
    if (sweep.rungs.empty())
        return sweep.workload.evaluate;
    std::vector<core::MetricSpec> asked;
    for (const int index : sweep.rungs.back())
        asked.push_back(sweep.workload.evaluate[std::size_t(index)]);
    return asked;
}

/// What the form has no field for: the options that are other than those which follow from its fields.
Json otherThan(const Json& fromFields, const Json& options)
{
    Json others = Json::object();
    for (const auto& [name, value] : options.items()) {
        if (!fromFields.contains(name) || fromFields.at(name) != value)
            others[name] = value;
    }
    return others;
}

void readCalibration(const core::CalibrationSpec& calibration, SweepDraft& draft)
{
    draft.calibrationCorpus = pathText(calibration.corpus);
    draft.calibrationSamples = calibration.samples;
    draft.calibrationLength = calibration.length;
    core::CalibrationSpec plain;
    plain.corpus = calibration.corpus;
    plain.samples = calibration.samples;
    plain.length = calibration.length;
    draft.otherCalibration = otherThan(plain.toJson(), calibration.toJson());
}

void readPerplexity(const core::MetricSpec& metric, SweepDraft& draft)
{
    draft.evaluationCorpus = toQString(metric.options.value("corpus", std::string()));
    draft.evaluationLength = metric.options.value("length", draft.evaluationLength);
    draft.evaluationWindows = metric.options.value("windows", 0);
    const Json fields {{"corpus", draft.evaluationCorpus.toStdString()},
                       {"length", draft.evaluationLength},
                       {"windows", draft.evaluationWindows}};
    const auto kind = core::findMetricKind(metric.name);
    const core::Result<Json> plain = kind.ok() ? kind.value()->complete(fields) : core::Result<Json>(fields);
    draft.otherEvaluation = otherThan(plain.ok() ? plain.value() : fields, metric.options);
}

} // namespace

SweepDraft draftOf(const core::Sweep& sweep, const core::PluginCatalogue& plugins)
{
    SweepDraft draft;
    draft.name = toQString(sweep.name);
    draft.model = pathText(sweep.workload.model);
    if (sweep.workload.calibration)
        readCalibration(*sweep.workload.calibration, draft);
    for (const core::MetricSpec& metric : askedMetrics(sweep)) {
        if (metric.name == "perplexity" && draft.evaluationCorpus.isEmpty())
            readPerplexity(metric, draft);
        else
            draft.otherMetrics.push_back({{metric.name, metric.options}});
    }
    draft.pipelines.clear();
    if (sweep.isGrid()) {
        draft.pipelines = pipelinesOf(sweep.pipelines, plugins);
    } else {
        for (const core::PipelineSpace& entry : sweep.entries)
            draft.pipelines << pipelineOf(entry, plugins);
    }
    draft.driver = sweep.driver;
    draft.objectives.clear();
    for (const std::string& objective : sweep.objectives)
        draft.objectives << toQString(objective);
    draft.seeds = QString::number(sweep.seed);
    for (const std::uint64_t seed : sweep.repeatSeeds)
        draft.seeds += u", %1"_s.arg(seed);
    return draft;
}

} // namespace paretoscope::views
