// SPDX-License-Identifier: Apache-2.0
// The float32 GEMM rate that this machine reaches at the shapes of SmolLM2-135M: the ceiling of an evaluation.
// Usage: bench_gemm [threads] [tokens per sequence]. Prints one JSON document.
#include "core/base/json.h"
#include "core/engine/parallel.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace paretoscope;

namespace {

struct Shape
{
    std::int64_t out;
    std::int64_t in;
    int times; ///< per sequence
};

constexpr Shape kShapes[] {{576, 576, 2 * 30}, {192, 576, 2 * 30}, {1536, 576, 2 * 30}, {576, 1536, 30}, {49152, 576, 1}};

/// Runs one shape as often as a sequence needs it, on every thread at once. @return seconds
double secondsOf(const Shape& shape, int threads, std::int64_t tokens)
{
    const at::Tensor weight = at::rand({shape.out, shape.in});
    const std::int64_t rows = shape.out > 10000 ? 128 : tokens; // the head goes in pieces, as in the evaluator
    const at::Tensor input = at::rand({rows, shape.in});
    const auto start = std::chrono::steady_clock::now();
    engine::forEachSample(static_cast<std::size_t>(threads), [&](std::size_t) {
        for (std::int64_t i = 0; i < shape.times * (tokens / rows); ++i)
            at::linear(input, weight);
    });
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

int main(int argc, char** argv)
{
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
    const std::int64_t tokens = argc > 2 ? std::atoi(argv[2]) : 512;
    at::set_num_threads(threads);
    double best = 1e30;
    double operations = 0;
    for (int round = 0; round < 3; ++round) {
        double seconds = 0;
        operations = 0;
        for (const Shape& shape : kShapes) {
            seconds += secondsOf(shape, threads, tokens);
            operations += 2.0 * double(tokens) * double(shape.out) * double(shape.in) * shape.times * threads;
        }
        best = std::min(best, seconds);
    }
    const core::Json result {{"threads", threads},
                             {"tokens_per_sequence", tokens},
                             {"gflop_per_second", operations / best / 1e9},
                             {"tokens_per_second_of_linears_alone", double(tokens) * threads / best}};
    std::puts(result.dump().c_str());
    return 0;
}
