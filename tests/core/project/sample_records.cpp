// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"

#include "core/base/sha256.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

MetricRecord perplexity(int number)
{
    return {.name = "perplexity",
            .value = 20.5 + number / 3.0,
            .standardError = 0.125,
            .n = 32,
            .unit = "",
            .minimise = true,
            .protocol = "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all",
            .device = "cpu",
            .dtype = "float32",
            .threads = 2,
            .build = "0.1.0+libtorch2.11.0",
            .details = {{"windows", {3.0, 2.5, 3.25}}, {"leak", false}}};
}

MetricRecord storedBytes(int number)
{
    return {.name = "stored_bytes",
            .value = 1'300'000.0 + number,
            .standardError = std::nullopt,
            .n = 0,
            .unit = "B",
            .minimise = true,
            .protocol = "",
            .device = "",
            .dtype = "",
            .threads = 0,
            .build = "0.1.0+libtorch2.11.0",
            .details = nullptr};
}

} // namespace

TrialId sampleId(int number)
{
    return {sha256("trial " + std::to_string(number))};
}

TrialRecord sampleTrial(int number)
{
    TrialRecord trial;
    trial.id = sampleId(number);
    trial.workload = "tiny-llama";
    trial.sweep = "demo";
    trial.label = "gptq(bits=3,group_size=" + std::to_string(number) + ")";
    trial.pipeline = Json::array({{{"plugin", "quantization/gptq"},
                                   {"version", "1.0.0"},
                                   {"parameters", {{"bits", 3}, {"group_size", number}, {"damping", 0.01}}}}});
    trial.seed = 0xfedcba9876543210u; // does not fit a signed integer
    trial.status = TrialStatus::Done;
    trial.seconds = 12.5;
    trial.startedUtc = "2024-05-17T03:12:09.045Z";
    trial.finishedUtc = "2024-05-17T03:12:21.545Z";
    trial.provenance = {{"command", "paretoscope --batch demo.yaml"}, {"log", "line 1\nline 2"}};
    trial.attempts = 1;
    trial.metrics = {perplexity(number), storedBytes(number)};
    trial.layerMetrics = {{"model.layers.0.mlp.down_proj", 0, "relative_output_error", 0.01 * number},
                          {"lm_head", -1, "relative_output_error", std::nullopt}};
    trial.tags = {"candidate", "paper"};
    return trial;
}

WorkloadRecord sampleWorkload()
{
    return {.name = "tiny-llama",
            .kind = "causal-lm",
            .modelPath = "/models/tiny-llama",
            .modelSha256 = sha256("model").hex(),
            .tokenizerSha256 = sha256("tokenizer").hex(),
            .parameters = 1'300'000,
            .storedBytes = 2'600'000,
            .description = {{"evaluate", Json::array({{{"perplexity", {{"length", 512}}}}})}}};
}

bool sameMetric(const MetricRecord& a, const MetricRecord& b)
{
    return a.name == b.name && a.value == b.value && a.standardError == b.standardError && a.n == b.n &&
           a.unit == b.unit && a.minimise == b.minimise && a.protocol == b.protocol && a.device == b.device &&
           a.dtype == b.dtype && a.threads == b.threads && a.build == b.build && a.details == b.details;
}

bool sameTrial(const TrialRecord& a, const TrialRecord& b)
{
    const auto sameLayer = [](const LayerMetricRecord& x, const LayerMetricRecord& y) {
        return x.module == y.module && x.layer == y.layer && x.name == y.name && x.value == y.value;
    };
    return a.id == b.id && a.workload == b.workload && a.sweep == b.sweep && a.label == b.label &&
           a.pipeline == b.pipeline && a.seed == b.seed && a.status == b.status && a.seconds == b.seconds &&
           a.startedUtc == b.startedUtc && a.finishedUtc == b.finishedUtc && a.provenance == b.provenance &&
           a.error == b.error && a.attempts == b.attempts && a.tags == b.tags &&
           std::equal(a.metrics.begin(), a.metrics.end(), b.metrics.begin(), b.metrics.end(), sameMetric) &&
           std::equal(a.layerMetrics.begin(), a.layerMetrics.end(), b.layerMetrics.begin(), b.layerMetrics.end(),
                      sameLayer);
}

} // namespace paretoscope::core
