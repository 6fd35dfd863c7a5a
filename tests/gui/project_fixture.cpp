// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/project_fixture.h"

#include "core/base/sha256.h"

#include <QRegularExpression>
#include <QString>

namespace paretoscope::views::test {

namespace {

constexpr double kParameters = 1311872;

/// "gptq(bits=3,group_size=64)" as the project keeps it.
core::Json pipelineOf(const std::string& label)
{
    core::Json pipeline = core::Json::array();
    static const QRegularExpression form(QStringLiteral("^(\\w+)\\((.*)\\)$"));
    const auto match = form.match(QString::fromStdString(label));
    if (!match.hasMatch())
        return pipeline;
    core::Json parameters = core::Json::object();
    for (const QString& pair : match.captured(2).split(QLatin1Char(',')))
        parameters[pair.section(QLatin1Char('='), 0, 0).toStdString()] = pair.section(QLatin1Char('='), 1).toInt();
    pipeline.push_back(
        {{"plugin", "quantization/" + match.captured(1).toStdString()}, {"version", "1"}, {"parameters", parameters}});
    return pipeline;
}

core::MetricRecord metricOf(const char* name, double value, const char* unit, const char* protocol)
{
    core::MetricRecord metric;
    metric.name = name;
    metric.value = value;
    metric.unit = unit;
    metric.protocol = protocol;
    metric.device = "cpu";
    metric.dtype = "float32";
    metric.threads = 1;
    metric.build = "0.1.0 libtorch 2.11.0";
    return metric;
}

} // namespace

core::TrialId idOf(const std::string& label)
{
    return {core::sha256(label)};
}

core::TrialRecord trialOf(const TrialSketch& sketch)
{
    core::TrialRecord trial;
    trial.id = idOf(sketch.label);
    trial.workload = "tiny-llama";
    trial.sweep = "tiny-llama demo";
    trial.label = sketch.label;
    trial.pipeline = pipelineOf(sketch.label);
    trial.status = sketch.status;
    trial.attempts = sketch.status == core::TrialStatus::Queued ? 0 : 1;
    if (sketch.status == core::TrialStatus::Done) {
        trial.seconds = 1.5 + double(sketch.label.size()) / 20;
        trial.startedUtc = "2025-03-01T10:00:00Z";
        trial.finishedUtc = "2025-03-01T10:00:02Z";
        trial.provenance = {{"device", "cpu"}, {"threads", 1}, {"cache", {{"hessian", "hit"}}}};
    }
    if (sketch.status == core::TrialStatus::Failed)
        trial.error = core::Error {core::ErrorCode::Numerical,
                                   "layer 3 (model.layers.3.mlp.down_proj): Hessian not positive definite",
                                   "more calibration tokens, or raise damping"};
    if (sketch.perplexity > 0) {
        core::MetricRecord perplexity = metricOf("perplexity", sketch.perplexity, "", kProtocol);
        perplexity.standardError = sketch.perplexity * 0.021;
        perplexity.n = 32;
        trial.metrics.push_back(perplexity);
    }
    if (sketch.storedBytes > 0) {
        trial.metrics.push_back(metricOf("stored_bytes", sketch.storedBytes, "B", ""));
        trial.metrics.push_back(metricOf("bits_per_parameter", 8 * sketch.storedBytes / kParameters, "bit", ""));
    }
    return trial;
}

std::vector<core::TrialRecord> demoTrials()
{
    const std::vector<TrialSketch> sketches {
        {"baseline", 74.261, 2623744},
        {"rtn(bits=2,group_size=32)", 152.21, 534528},
        {"rtn(bits=2,group_size=64)", 243.859, 493312},
        {"rtn(bits=3,group_size=32)", 85.52, 698368},
        {"rtn(bits=3,group_size=64)", 91.348, 657152},
        {"rtn(bits=4,group_size=32)", 75.61, 862208},
        {"rtn(bits=4,group_size=64)", 76.248, 820992},
        {"rtn(bits=8,group_size=32)", 74.262, 1517568},
        {"rtn(bits=8,group_size=64)", 74.264, 1476352},
        {"gptq(bits=2,group_size=64)", 141.37, 493312},
        {"gptq(bits=3,group_size=64)", 83.02, 657152},
        {"gptq(bits=4,group_size=64)", 75.41, 820992},
    };
    std::vector<core::TrialRecord> trials;
    for (const TrialSketch& sketch : sketches)
        trials.push_back(trialOf(sketch));
    return trials;
}

core::WorkloadRecord demoWorkload()
{
    core::WorkloadRecord workload;
    workload.name = "tiny-llama";
    workload.kind = "causal-lm";
    workload.modelPath = "/models/tiny-llama";
    workload.parameters = std::int64_t(kParameters);
    workload.storedBytes = 2623744;
    return workload;
}

SnapshotPtr snapshotOf(std::vector<core::TrialRecord> trials, const std::string& path,
                       std::vector<core::WorkloadRecord> workloads)
{
    ProjectSnapshot records;
    records.path = path;
    records.trials = std::move(trials);
    records.workloads = std::move(workloads);
    return makeSnapshot(std::move(records));
}

SnapshotPtr publishedSnapshot()
{
    const auto point = [](const char* model, const char* metric, double value, int bits, const char* source) {
        core::PublishedPoint published;
        published.method = "GPTQ";
        published.model = model;
        published.metric = metric;
        published.value = value;
        published.conditions = {{"bits", bits}, {"group", 128}};
        published.source = source;
        return published;
    };
    ProjectSnapshot records;
    records.path = "published.pscope";
    records.trials = demoTrials();
    records.workloads = {demoWorkload()};
    records.published = {point("LLaMA-7B", "wikitext2_ppl@2048", 6.09, 4, "IST-DASLab/gptq README"),
                         point("LLaMA-7B", "wikitext2_ppl@2048", 8.5, 3, "UNVERIFIED, recalled"),
                         point("LLaMA-13B", "wikitext2_ppl@2048", 5.4, 4, "IST-DASLab/gptq README"),
                         point("LLaMA-7B", "zeroshot_avg_acc", 62.5, 4, "IST-DASLab/gptq README"),
                         point("LLaMA-7B", "model_size_GB", 3.9, 4, "IST-DASLab/gptq README")};
    return makeSnapshot(std::move(records));
}

} // namespace paretoscope::views::test
