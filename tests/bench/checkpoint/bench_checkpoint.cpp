// SPDX-License-Identifier: Apache-2.0
// How fast weights are dequantised, opened and hashed, on one thread. PARETOSCOPE_BENCH_MODEL names a model folder or a
// .gguf file for the last three.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/dequantize.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace paretoscope::core;

namespace {

constexpr std::size_t kElements = std::size_t(1) << 20; // more than the second-level cache holds

void dequantizeType(benchmark::State& state)
{
    const auto type = static_cast<ElementType>(state.range(0));
    const auto bytes = storedBytes(type, static_cast<std::int64_t>(kElements)).value().value;
    std::vector<std::byte> stored(static_cast<std::size_t>(bytes));
    std::mt19937 random(1);
    std::ranges::generate(stored, [&] { return static_cast<std::byte>(random() & 0x3bU); }); // no NaN in any scale
    std::vector<float> out(kElements);
    for (auto _ : state) {
        dequantize(type, stored, out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kElements));
    state.SetLabel(std::string(layoutOf(type).name));
}
BENCHMARK(dequantizeType)
    ->Arg(static_cast<int>(ElementType::F16))
    ->Arg(static_cast<int>(ElementType::BF16))
    ->Arg(static_cast<int>(ElementType::F8E4M3))
    ->DenseRange(static_cast<int>(ElementType::Q4_0), static_cast<int>(ElementType::Mxfp4));

/// The model to measure; nothing when the variable is not set or it does not open.
std::unique_ptr<Checkpoint> model(benchmark::State& state)
{
    const char* path = std::getenv("PARETOSCOPE_BENCH_MODEL");
    auto opened = path ? openCheckpoint(path) : Error {ErrorCode::NotFound, "PARETOSCOPE_BENCH_MODEL is not set", ""};
    if (opened.ok())
        return std::move(opened).value();
    state.SkipWithError(opened.error().sentence().c_str());
    return nullptr;
}

void openModel(benchmark::State& state)
{
    for (auto _ : state) {
        if (!model(state))
            return;
    }
}
BENCHMARK(openModel)->Unit(benchmark::kMillisecond);

void readAllWeights(benchmark::State& state)
{
    const auto checkpoint = model(state);
    if (!checkpoint)
        return;
    std::int64_t largest = 0;
    std::int64_t total = 0;
    for (const TensorInfo& tensor : checkpoint->tensors()) {
        largest = std::max(largest, tensor.elements());
        total += tensor.elements();
    }
    std::vector<float> buffer(static_cast<std::size_t>(largest));
    for (auto _ : state) {
        for (const TensorInfo& tensor : checkpoint->tensors())
            (void)checkpoint
                ->readFloat32(tensor.name, std::span(buffer).first(static_cast<std::size_t>(tensor.elements())))
                .ok();
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * total);
}
BENCHMARK(readAllWeights)->Unit(benchmark::kMillisecond);

void digestModel(benchmark::State& state)
{
    const auto checkpoint = model(state);
    if (!checkpoint)
        return;
    for (auto _ : state)
        benchmark::DoNotOptimize(modelDigest(*checkpoint).ok());
    std::int64_t bytes = 0;
    for (const auto& file : checkpoint->files())
        bytes += static_cast<std::int64_t>(std::filesystem::file_size(file));
    state.SetBytesProcessed(state.iterations() * bytes);
}
BENCHMARK(digestModel)->Unit(benchmark::kMillisecond);

} // namespace
