// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/sweep_draft.h"

#include "views/format/text.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>
#include <span>

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

/// Parts between commas that are in no bracket.
QStringList commaParts(const QString& text)
{
    QStringList parts;
    QString part;
    int depth = 0;
    for (const QChar character : text) {
        if (character == ','_L1 && depth == 0) {
            parts << part.trimmed();
            part.clear();
            continue;
        }
        depth += character == '['_L1 ? 1 : character == ']'_L1 ? -1 : 0;
        part += character;
    }
    parts << part.trimmed();
    return parts;
}

Json valueOf(const core::ParameterSpec& spec, const QString& text)
{
    const std::string utf8 = text.toStdString();
    const bool wantsText = spec.type == core::ParameterType::Text || spec.type == core::ParameterType::Choice ||
                           (spec.type == core::ParameterType::List && spec.itemType == core::ParameterType::Text);
    if (wantsText)
        return utf8;
    Json parsed = Json::parse(utf8, nullptr, false);
    return parsed.is_discarded() || parsed.is_object() ? Json(utf8) : parsed;
}

QString textOf(const Json& value)
{
    return value.is_string() ? toQString(value.get_ref<const std::string&>()) : toQString(core::canonicalJson(value));
}

Json corpusOptions(const QString& corpus, std::initializer_list<std::pair<const char*, int>> numbers)
{
    Json options {{"corpus", corpus.toStdString()}};
    for (const auto& [name, number] : numbers)
        options[name] = number;
    return options;
}

Json workloadOf(const SweepDraft& draft)
{
    Json workload {{"kind", "causal-lm"}, {"model", draft.model.toStdString()}};
    if (!draft.calibrationCorpus.isEmpty())
        workload["calibration"] = corpusOptions(
            draft.calibrationCorpus, {{"samples", draft.calibrationSamples}, {"length", draft.calibrationLength}});
    workload["evaluate"] =
        Json::array({{{"perplexity", corpusOptions(draft.evaluationCorpus, {{"length", draft.evaluationLength},
                                                                            {"windows", draft.evaluationWindows}})}}});
    for (const Json& metric : draft.otherMetrics)
        workload["evaluate"].push_back(metric);
    return workload;
}

Json pipelineOf(const PipelineDraft& pipeline, const core::PluginCatalogue& plugins)
{
    Json stages = Json::array();
    for (const StageDraft& stage : pipeline.stages) {
        Json parameters = Json::object();
        const auto plugin = plugins.find(stage.plugin.toStdString());
        for (auto it = stage.values.begin(); it != stage.values.end(); ++it) {
            const core::ParameterSpec* spec = plugin.ok() ? plugin.value()->parameter(it.key().toStdString()) : nullptr;
            const std::vector<Json> values =
                spec ? valuesOf(*spec, it.value()) : std::vector<Json> {it.value().toStdString()};
            parameters[it.key().toStdString()] = values.size() == 1 ? values.front() : Json(values);
        }
        stages.push_back({{stage.plugin.toStdString(), parameters}});
    }
    return stages;
}

/// YAML whose lines tell where an error lies; its values are JSON, which YAML contains.
std::string textOf(const SweepDraft& draft, const core::PluginCatalogue& plugins)
{
    const QString name = draft.name.trimmed().isEmpty() ? u"sweep"_s : draft.name.trimmed();
    std::string text = "paretoscope: 1\nname: " + Json(name.toStdString()).dump() +
                       "\nworkload: " + workloadOf(draft).dump() +
                       "\npipelines:" + (draft.pipelines.isEmpty() ? " []\n" : "\n");
    for (const PipelineDraft& pipeline : draft.pipelines)
        text += "  - " + pipelineOf(pipeline, plugins).dump() + "\n";
    return text + "driver: {grid: {}}\nobjectives: [perplexity, stored_bytes]\n";
}

/// "new.yaml:5:12: gptq: bits is 9" points at line 5; what stays is "gptq: bits is 9".
DraftProblem placed(core::Error error)
{
    static const QRegularExpression place(u"^[^\\n]*?:(\\d+):(\\d+): "_s);
    DraftProblem problem;
    const QString message = toQString(error.message);
    if (const auto match = place.match(message); match.hasMatch()) {
        const int line = match.captured(1).toInt();
        error.message = message.mid(match.capturedLength()).toStdString();
        if (line == kWorkloadLine)
            problem.place = DraftProblem::Place::Workload;
        if (line >= kFirstPipelineLine) {
            problem.place = DraftProblem::Place::Pipeline;
            problem.pipeline = line - kFirstPipelineLine;
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
    if (draft.evaluationCorpus.trimmed().isEmpty())
        return error(Text::tr("No text to measure perplexity on is chosen."), Text::tr("Choose a text file."));
    return std::nullopt;
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
        StageDraft drafted {toQString(first.plugin), {}};
        const auto plugin = plugins.find(first.plugin);
        for (const auto& [name, value] : first.given.items()) {
            std::vector<Json> values;
            for (const core::Pipeline& pipeline : run) {
                const Json& other = pipeline.stages[stage].given.at(name);
                if (std::find(values.begin(), values.end(), other) == values.end())
                    values.push_back(other);
            }
            product *= values.size();
            const core::ParameterSpec* spec = plugin.ok() ? plugin.value()->parameter(name) : nullptr;
            drafted.values[toQString(name)] = textOfValues(spec ? *spec : core::ParameterSpec {}, values);
        }
        draft.stages << drafted;
    }
    isGrid = product == run.size();
    return draft;
}

} // namespace

std::vector<Json> valuesOf(const core::ParameterSpec& spec, const QString& text)
{
    std::vector<Json> values;
    for (const QString& part : commaParts(text)) {
        if (!part.isEmpty())
            values.push_back(valueOf(spec, part));
    }
    if (spec.type == core::ParameterType::List)
        return {Json(values)};
    if (values.empty())
        values.emplace_back(std::string());
    return values;
}

QString textOfValues(const core::ParameterSpec& spec, const std::vector<Json>& values)
{
    QStringList parts;
    for (const Json& value : values) {
        if (spec.type == core::ParameterType::List && value.is_array()) {
            for (const Json& item : value)
                parts << textOf(item);
        } else {
            parts << textOf(value);
        }
    }
    return parts.join(", "_L1);
}

QString problemOf(const core::PluginManifest& plugin, const core::ParameterSpec& spec, const QString& text)
{
    for (const Json& value : valuesOf(spec, text)) {
        const core::Result<Json> resolved = core::resolveParameter(plugin, spec, value);
        if (!resolved.ok())
            return toQString(resolved.error().message);
    }
    return {};
}

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
        checked.problem = placed(sweep.error());
    return checked;
}

SweepDraft draftOf(const core::Sweep& sweep, const core::PluginCatalogue& plugins)
{
    SweepDraft draft;
    draft.name = toQString(sweep.name);
    draft.model = pathText(sweep.workload.model);
    if (sweep.workload.calibration) {
        draft.calibrationCorpus = pathText(sweep.workload.calibration->corpus);
        draft.calibrationSamples = sweep.workload.calibration->samples;
        draft.calibrationLength = sweep.workload.calibration->length;
    }
    for (const core::MetricSpec& metric : sweep.workload.evaluate) {
        if (metric.name != "perplexity" || !draft.evaluationCorpus.isEmpty()) {
            draft.otherMetrics.push_back({{metric.name, metric.options}});
            continue;
        }
        draft.evaluationCorpus = toQString(metric.options.value("corpus", std::string()));
        draft.evaluationLength = metric.options.value("length", draft.evaluationLength);
        draft.evaluationWindows = metric.options.value("windows", 0);
    }
    draft.pipelines.clear();
    std::span<const core::Pipeline> rest(sweep.pipelines);
    while (!rest.empty()) {
        std::size_t count = 1;
        while (count < rest.size() && haveEqualShape(rest[0], rest[count]))
            ++count;
        bool isGrid = false;
        const PipelineDraft grid = merged(rest.first(count), plugins, isGrid);
        if (isGrid) {
            draft.pipelines << grid;
        } else {
            for (std::size_t i = 0; i < count; ++i)
                draft.pipelines << merged(rest.subspan(i, 1), plugins, isGrid);
        }
        rest = rest.subspan(count);
    }
    return draft;
}

} // namespace paretoscope::views
