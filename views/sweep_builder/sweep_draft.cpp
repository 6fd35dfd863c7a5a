// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/sweep_draft.h"

#include "core/sweep/marked_value.h"
#include "views/format/text.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

using core::Json;

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(SweepDraft)
};

constexpr int kWorkloadLine = 3; ///< of the text below
constexpr int kFirstPipelineLine = 5;

Json corpusOptions(const QString& corpus, std::initializer_list<std::pair<const char*, int>> numbers, Json options)
{
    options["corpus"] = corpus.toStdString();
    for (const auto& [name, number] : numbers)
        options[name] = number;
    return options;
}

Json workloadOf(const SweepDraft& draft)
{
    Json workload {{"kind", "causal-lm"}, {"model", draft.model.toStdString()}, {"evaluate", Json::array()}};
    if (!draft.calibrationCorpus.isEmpty())
        workload["calibration"] = corpusOptions(
            draft.calibrationCorpus, {{"samples", draft.calibrationSamples}, {"length", draft.calibrationLength}},
            draft.otherCalibration);
    if (!draft.evaluationCorpus.isEmpty())
        workload["evaluate"].push_back(
            {{"perplexity", corpusOptions(draft.evaluationCorpus,
                                          {{"length", draft.evaluationLength}, {"windows", draft.evaluationWindows}},
                                          draft.otherEvaluation)}});
    for (const Json& metric : draft.otherMetrics)
        workload["evaluate"].push_back(metric);
    return workload;
}

Json valueOf(const core::ParameterSpec* spec, const QString& text)
{
    if (isRange(text)) {
        const std::optional<Json> range = rangeOf(text);
        return range ? *range : Json(text.toStdString()); // which the reader refuses with the right words
    }
    const std::vector<Json> values = spec ? valuesOf(*spec, text) : std::vector<Json> {text.toStdString()};
    return values.size() == 1 ? values.front() : Json(values);
}

/// What a condition may look at comes first: single values, then the others as a file had them, then new ones.
QStringList orderedParameters(const StageDraft& stage)
{
    QStringList names = stage.values.keys();
    const auto rank = [&](const QString& name) {
        const qsizetype at = stage.order.indexOf(name);
        const bool isLast = at < 0 && isRange(stage.values.value(name));
        return at >= 0 ? at + 1 : isLast ? stage.order.size() + 1 : 0;
    };
    std::stable_sort(names.begin(), names.end(), [&](const QString& a, const QString& b) { return rank(a) < rank(b); });
    return names;
}

std::string textOf(const PipelineDraft& pipeline, const core::PluginCatalogue& plugins)
{
    std::string text;
    for (const StageDraft& stage : pipeline.stages) {
        const auto plugin = plugins.find(stage.plugin.toStdString());
        std::string parameters;
        const QStringList names = orderedParameters(stage);
        for (const QString& name : names) {
            const core::ParameterSpec* spec = plugin.ok() ? plugin.value()->parameter(name.toStdString()) : nullptr;
            parameters += (parameters.empty() ? "" : ", ") + Json(name.toStdString()).dump() + ": " +
                          valueOf(spec, stage.values.value(name)).dump();
        }
        text += (text.empty() ? "{" : ", {") + Json(stage.plugin.toStdString()).dump() + ": {" + parameters + "}}";
    }
    return "[" + text + "]";
}

Json seedsOf(const QString& text)
{
    Json seeds = Json::array();
    for (const QString& part : commaParts(text)) {
        if (!part.isEmpty())
            seeds.push_back(core::plainScalar(part.toStdString()));
    }
    return seeds;
}

Json objectivesOf(const SweepDraft& draft)
{
    Json objectives = Json::array();
    for (const QString& objective : draft.objectives)
        objectives.push_back(objective.toStdString());
    return objectives;
}

/// YAML whose lines tell where an error lies; its values are JSON, which YAML contains.
std::string textOf(const SweepDraft& draft, const core::PluginCatalogue& plugins)
{
    const QString name = draft.name.trimmed().isEmpty() ? u"sweep"_s : draft.name.trimmed();
    std::string text = "paretoscope: 1\nname: " + Json(name.toStdString()).dump() +
                       "\nworkload: " + workloadOf(draft).dump() +
                       "\npipelines:" + (draft.pipelines.isEmpty() ? " []\n" : "\n");
    for (const PipelineDraft& pipeline : draft.pipelines)
        text += "  - " + textOf(pipeline, plugins) + "\n";
    return text + "driver: " + draft.driver.dump() + "\nobjectives: " + objectivesOf(draft).dump() +
           "\nseed: " + seedsOf(draft.seeds).dump() + "\n";
}

/// "new.yaml:5:12: gptq: bits is 9" points at line 5; what stays is "gptq: bits is 9".
DraftProblem placed(core::Error error, int pipelines)
{
    static const QRegularExpression place(u"^[^\\n]*?:(\\d+):(\\d+): "_s);
    DraftProblem problem;
    const QString message = toQString(error.message);
    if (const auto match = place.match(message); match.hasMatch()) {
        const int line = match.captured(1).toInt();
        error.message = message.mid(match.capturedLength()).toStdString();
        if (line == kWorkloadLine)
            problem.place = DraftProblem::Place::Workload;
        const int pipeline = line - kFirstPipelineLine;
        if (pipeline >= pipelines) {
            problem.place = DraftProblem::Place::Driver;
        } else if (pipeline >= 0) {
            problem.place = DraftProblem::Place::Pipeline;
            problem.pipeline = pipeline;
        }
    }
    problem.error = std::move(error);
    return problem;
}

std::optional<core::Error> missingInput(const SweepDraft& draft)
{
    const auto error = [](const QString& message, const QString& hint) {
        return core::Error {core::ErrorCode::InvalidArgument, message.toStdString(), hint.toStdString()};
    };
    if (draft.model.trimmed().isEmpty())
        return error(Text::tr("No model is chosen."),
                     Text::tr("Choose a model folder or a GGUF file, or drop one here."));
    if (draft.evaluationCorpus.trimmed().isEmpty() && draft.otherMetrics.empty())
        return error(Text::tr("No text to measure perplexity on is chosen."), Text::tr("Choose a text file."));
    return std::nullopt;
}

} // namespace

CheckedDraft checkDraft(const SweepDraft& draft, const core::PluginCatalogue& plugins)
{
    CheckedDraft checked;
    if (auto missing = missingInput(draft)) {
        checked.problem = DraftProblem {DraftProblem::Place::Workload, -1, std::move(*missing)};
        return checked;
    }
    core::Result<core::Sweep> sweep = core::parseSweep(textOf(draft, plugins), "/sweep.yaml", plugins);
    if (sweep.ok())
        checked.sweep = std::move(sweep).value();
    else
        checked.problem = placed(sweep.error(), int(draft.pipelines.size()));
    return checked;
}

} // namespace paretoscope::views
