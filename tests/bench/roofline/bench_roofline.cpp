// SPDX-License-Identifier: Apache-2.0
// How fast predictions are. Run with --benchmark_format=json for a report.
#include "roofline/llm_viewer/analysis.h"
#include "roofline/prediction/explanation.h"
#include "tests/roofline/sample_models.h"

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

} // namespace
