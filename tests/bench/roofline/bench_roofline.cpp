// SPDX-License-Identifier: Apache-2.0
// How fast predictions are. Run with --benchmark_format=json for a report.
#include "core/project/project_store.h"
#include "roofline/llm_viewer/analysis.h"
#include "roofline/prediction/explanation.h"
#include "roofline/trial/trial_predictor.h"
#include "tests/roofline/sample_models.h"
#include "tests/roofline/sample_trials.h"

#include <benchmark/benchmark.h>

using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

/// Prefill, all decode steps, memory and energy of one setting: what a point on a what-if axis costs.
void fullAnalysis(benchmark::State& state, const char* name)
{
    const ModelShape model = sampleModel(name);
    const HardwareSpec device = sampleDevice();
    const Execution execution {.weights = plainWeightFormat(4)};
    const Request request {.batch = 8, .prompt = 1024, .generated = static_cast<double>(state.range(0))};
    for (auto _ : state)
        benchmark::DoNotOptimize(orDie(predictGeneration(model, execution, request, device, Efficiency::ideal())));
    state.counters["layers"] = model.layers();
}
BENCHMARK_CAPTURE(fullAnalysis, Llama2_70b, "Llama-2-70b")->Arg(128)->Arg(65536)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(fullAnalysis, DeepSeek_V3, "DeepSeek-V3")->Arg(128)->Unit(benchmark::kMicrosecond);

/// The same where every layer has a weight format of its own, so that nothing is collapsed.
void mixedPrecision(benchmark::State& state)
{
    ModelShape model = sampleModel("Llama-2-70b");
    std::vector<LayerShape> layers = model.expanded();
    for (std::size_t i = 0; i < layers.size(); ++i)
        std::get<MlpShape>(layers[i].sublayers[1].part).down.format = plainWeightFormat(2 + double(i) / 20);
    model.setLayers(layers);
    const HardwareSpec device = sampleDevice();
    const Request request {.batch = 8, .prompt = 1024, .generated = 128};
    for (auto _ : state)
        benchmark::DoNotOptimize(orDie(predictGeneration(model, {}, request, device, Efficiency::ideal())));
    state.counters["layers"] = static_cast<double>(model.runs.size());
}
BENCHMARK(mixedPrecision)->Unit(benchmark::kMicrosecond);

void oneStep(benchmark::State& state)
{
    const ModelShape model = sampleModel("Llama-2-70b");
    const Ceilings ceilings = orDie(Ceilings::of(sampleDevice(), Efficiency::ideal()));
    const Step step = Step::decode(8, 1024);
    for (auto _ : state)
        benchmark::DoNotOptimize(orDie(predictStep(model, {}, step, ceilings)));
}
BENCHMARK(oneStep)->Unit(benchmark::kMicrosecond);

void llmViewerAnalysis(benchmark::State& state)
{
    namespace lv = paretoscope::roofline::llm_viewer;
    const lv::Model model = orDie(lv::readModel("Llama", sampleModels().at("Llama-2-70b").at("config")));
    const lv::Hardware hardware {.bandwidth = 2039e9, .fp16 = 312e12, .int8 = 624e12, .onchipBuffer = 27648e3};
    for (auto _ : state)
        benchmark::DoNotOptimize(
            orDie(lv::analyse(lv::Profile::Lv2409, model, hardware, {.batchSize = 8, .sequenceLength = 1024})));
}
BENCHMARK(llmViewerAnalysis)->Unit(benchmark::kMicrosecond);

/// What-if axes: 10,000 trials that differ in the bits of their weights, for one device.
void tenThousandTrials(benchmark::State& state)
{
    const ModelShape model = sampleModel("Llama-2-70b");
    const HardwareSpec device = sampleDevice();
    for (auto _ : state) {
        for (int trial = 0; trial < 10'000; ++trial) {
            const Execution execution {.weights = plainWeightFormat(2 + (trial % 7), 32 << (trial % 3))};
            benchmark::DoNotOptimize(orDie(predictGeneration(
                model, execution, {.batch = 1, .prompt = 512, .generated = 128}, device, Efficiency::ideal())));
        }
    }
}
BENCHMARK(tenThousandTrials)->Unit(benchmark::kMillisecond);

/// The same of a project: reading 10,000 trials from its file, and predicting each from how its tensors are stored.
/// With `mixed` every layer is stored in another way, so that nothing is collapsed.
void whatIfOfAProject(benchmark::State& state, bool mixed)
{
    namespace core = paretoscope::core;
    const core::Json config = sampleModels().at("Llama-2-7b").at("config");
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "bench_roofline.pscope";
    std::filesystem::remove(file);
    {
        core::ProjectStore store = orDie(core::ProjectStore::open(file, core::OpenMode::Create));
        orDie(store.recordWorkload(workloadOf("llama", config)));
        std::vector<core::TrialRecord> trials;
        for (int trial = 0; trial < 10'000; ++trial) {
            int matrix = 0;
            const StoredForm form = [&](std::int64_t out, std::int64_t in) {
                const int layer = mixed ? matrix++ / 7 : 0;
                return core::StoredTensor {.bits = {out * in * (2 + trial % 7) + 16 * out * (1 + trial / 7 + layer)},
                                           .codeBits = double(2 + trial % 7),
                                           .isInteger = true};
            };
            trials.push_back(trialOf("trial " + std::to_string(trial), "llama", storedModelOf(config, form)));
        }
        orDie(store.finishTrials(trials));
    }
    const WhatIf whatIf {.hardware = sampleDevice()};
    for (auto _ : state) {
        const core::ProjectStore store = orDie(core::ProjectStore::open(file, core::OpenMode::ReadOnly));
        const std::vector<core::TrialRecord> trials = orDie(store.trials());
        const std::vector<core::WorkloadRecord> workloads = orDie(store.workloads());
        TrialPredictor predictor(workloads, PARETOSCOPE_RESOURCES "/architectures");
        for (const core::TrialRecord& trial : trials)
            benchmark::DoNotOptimize(orDie(predictor.predict(trial, whatIf)));
    }
    std::filesystem::remove(file);
}
BENCHMARK_CAPTURE(whatIfOfAProject, alike, false)->Unit(benchmark::kMillisecond)->Iterations(3);
BENCHMARK_CAPTURE(whatIfOfAProject, mixed, true)->Unit(benchmark::kMillisecond)->Iterations(3);

} // namespace
