// SPDX-License-Identifier: Apache-2.0
#include "tests/app/sample_project.h"

#include <cmath>

using namespace paretoscope::core;

namespace {

constexpr auto kProtocol = "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all";

Json stage(const char* plugin, int bits)
{
    return Json::array(
        {{{"plugin", plugin}, {"version", "1.0.0"}, {"parameters", {{"bits", bits}, {"group_size", 64}}}}});
}

} // namespace

TrialRecord sampleTrial(const std::string& label, Json pipeline, double perplexity, double storedBytes)
{
    TrialRecord trial;
    trial.id.digest = sha256(label);
    trial.workload = "tiny-llama";
    trial.sweep = "sample";
    trial.label = label;
    trial.pipeline = std::move(pipeline);
    trial.status = TrialStatus::Done;
    trial.seconds = 2.5;
    trial.startedUtc = "2025-01-31T10:00:00.000Z";
    trial.finishedUtc = "2025-01-31T10:00:02.500Z";
    trial.provenance = {{"command", "paretoscope --batch sample.yaml --project sample.pscope"}, {"device", "cpu"}};
    trial.attempts = 1;
    MetricRecord quality;
    quality.name = "perplexity";
    quality.value = perplexity;
    quality.standardError = 0.3;
    quality.n = 32;
    quality.protocol = kProtocol;
    quality.device = "cpu";
    quality.dtype = "float32";
    quality.threads = 1;
    quality.details = {{"windows", {std::log(perplexity) - 0.05, std::log(perplexity) + 0.05}}};
    MetricRecord size;
    size.name = "stored_bytes";
    size.value = storedBytes;
    size.unit = "B";
    MetricRecord bits;
    bits.name = "bits_per_parameter";
    bits.value = storedBytes * 8 / 1311872;
    bits.unit = "bit";
    trial.metrics = {quality, size, bits};
    trial.layerMetrics = {{"model.layers.0.mlp.down_proj", 0, "relative_output_error", 0.02},
                          {"model.layers.1.mlp.down_proj", 1, "relative_output_error", 0.05}};
    return trial;
}

std::vector<TrialRecord> sampleTrials()
{
    std::vector<TrialRecord> trials {
        sampleTrial("baseline", Json::array(), 20.0, 2623744),
        sampleTrial("rtn(bits=4)", stage("quantization/rtn", 4), 22.0, 1100000),
        sampleTrial("rtn(bits=3)", stage("quantization/rtn", 3), 30.0, 950000),
        sampleTrial("gptq(bits=4)", stage("quantization/gptq", 4), 21.0, 1100000),
        sampleTrial("gptq(bits=3)", stage("quantization/gptq", 3), 24.0, 950000),
        sampleTrial("gptq(bits=2)", stage("quantization/gptq", 2), 0, 0),
    };
    TrialRecord& failed = trials.back();
    failed.status = TrialStatus::Failed;
    failed.error = Error {ErrorCode::Numerical,
                          "layer 1 (model.layers.1.mlp.down_proj): Hessian not positive definite after damping 0.1",
                          "more calibration tokens, or raise damping"};
    failed.metrics.clear();
    failed.layerMetrics.clear();
    return trials;
}

Status writeSampleProject(const QString& file)
{
    PSC_ASSIGN(ProjectStore store, ProjectStore::open(file.toStdString(), OpenMode::Create));
    WorkloadRecord workload;
    workload.name = "tiny-llama";
    workload.kind = "causal-lm";
    workload.modelPath = "/models/tiny-llama";
    workload.modelSha256 = sha256("model").hex();
    workload.tokenizerSha256 = sha256("tokenizer").hex();
    workload.parameters = 1311872;
    workload.storedBytes = 2623744;
    PSC_TRY(store.recordWorkload(workload));
    const std::vector<TrialRecord> trials = sampleTrials();
    std::vector<TrialId> ids;
    for (const TrialRecord& trial : trials)
        ids.push_back(trial.id);
    PSC_TRY(store.recordSweep("sample", "paretoscope: 1\n", ids));
    for (const TrialRecord& trial : trials) {
        TrialRecord queued = trial;
        queued.status = TrialStatus::Queued;
        PSC_TRY(store.recordTrials({queued}));
        PSC_TRY(store.finishTrial(trial));
    }
    return store.recordEvent({"2025-01-31T10:00:03.000Z", "info", "sweep_finished", "", "the sweep has ended"});
}
