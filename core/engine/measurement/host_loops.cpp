// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/host_loops.h"

#include <utility>

namespace paretoscope::engine {

namespace {

/// Enough to hide the latency of a multiply-add, or of an addition, on two units.
constexpr std::size_t kMultiplyChains = 10;
constexpr std::size_t kReadChains = 8;
constexpr float kFactor = 0.999F;
constexpr float kSummand = 0.001F;
constexpr std::size_t kPlainLanes = 4; ///< of the narrowest vectors that processors have

/// So many floats in one register.
template <std::size_t lanes>
struct Vector
{
    typedef float Type __attribute__((vector_size(lanes * sizeof(float))));
    typedef float InMemory __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float)), may_alias));
};

template <std::size_t lanes>
[[gnu::always_inline]] inline float sumOfLanes(const typename Vector<lanes>::Type& values)
{
    float sum = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        sum += values[lane];
    return sum;
}

// The loops are compiled once for every kind of vectors: inlined into a function that may use them.

template <std::size_t lanes, std::size_t... chain>
[[gnu::always_inline]] inline float readIn(const float* data, std::size_t count, std::int64_t repetitions,
                                           std::index_sequence<chain...>)
{
    static_assert(kReadStep % (sizeof...(chain) * lanes) == 0);
    typename Vector<lanes>::Type sums[] = {(static_cast<void>(chain), typename Vector<lanes>::Type {})...};
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += sizeof...(chain) * lanes)
            ((sums[chain] += *reinterpret_cast<const typename Vector<lanes>::InMemory*>(data + i + chain * lanes)),
             ...);
    }
    return sumOfLanes<lanes>((sums[chain] + ...));
}

template <std::size_t lanes, std::size_t... chain>
[[gnu::always_inline]] inline float readMultiplyAddIn(const float* data, std::size_t count, std::int64_t repetitions,
                                                      int multiplyAdds, std::index_sequence<chain...>)
{
    static_assert(kReadStep % (sizeof...(chain) * lanes) == 0);
    typename Vector<lanes>::Type all {};
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += sizeof...(chain) * lanes) {
            typename Vector<lanes>::Type values[] = {
                *reinterpret_cast<const typename Vector<lanes>::InMemory*>(data + i + chain * lanes)...};
            for (int k = 0; k < multiplyAdds; ++k)
                ((values[chain] = values[chain] * kFactor + kSummand), ...);
            all += (values[chain] + ...);
        }
    }
    return sumOfLanes<lanes>(all);
}

template <std::size_t lanes, std::size_t... chain>
[[gnu::always_inline]] inline float multiplyAddIn(std::int64_t iterations, std::index_sequence<chain...>)
{
    // Chains that start alike would be computed once, and one that starts at 1 stays there, so not at all.
    typename Vector<lanes>::Type values[] = {typename Vector<lanes>::Type {} + static_cast<float>(chain + 2)...};
    for (std::int64_t i = 0; i < iterations; ++i)
        ((values[chain] = values[chain] * kFactor + kSummand), ...);
    return sumOfLanes<lanes>((values[chain] + ...));
}

/// The loops with one kind of vectors.
struct Loops
{
    float (*read)(const float* data, std::size_t count, std::int64_t repetitions);
    float (*readMultiplyAdd)(const float* data, std::size_t count, std::int64_t repetitions, int multiplyAdds);
    float (*multiplyAdd)(std::int64_t iterations);
    std::size_t lanes;
};

using ReadChains = std::make_index_sequence<kReadChains>;
using MultiplyChains = std::make_index_sequence<kMultiplyChains>;

float readPlainly(const float* data, std::size_t count, std::int64_t repetitions)
{
    return readIn<kPlainLanes>(data, count, repetitions, ReadChains());
}

float readMultiplyAddPlainly(const float* data, std::size_t count, std::int64_t repetitions, int multiplyAdds)
{
    return readMultiplyAddIn<kPlainLanes>(data, count, repetitions, multiplyAdds, ReadChains());
}

float multiplyAddPlainly(std::int64_t iterations)
{
    return multiplyAddIn<kPlainLanes>(iterations, MultiplyChains());
}

#if defined(__x86_64__)

__attribute__((target("avx2,fma"))) float readAvx2(const float* data, std::size_t count, std::int64_t repetitions)
{
    return readIn<8>(data, count, repetitions, ReadChains());
}

__attribute__((target("avx2,fma"))) float readMultiplyAddAvx2(const float* data, std::size_t count,
                                                              std::int64_t repetitions, int multiplyAdds)
{
    return readMultiplyAddIn<8>(data, count, repetitions, multiplyAdds, ReadChains());
}

__attribute__((target("avx2,fma"))) float multiplyAddAvx2(std::int64_t iterations)
{
    return multiplyAddIn<8>(iterations, MultiplyChains());
}

__attribute__((target("avx512f"))) float readAvx512(const float* data, std::size_t count, std::int64_t repetitions)
{
    return readIn<16>(data, count, repetitions, ReadChains());
}

__attribute__((target("avx512f"))) float readMultiplyAddAvx512(const float* data, std::size_t count,
                                                               std::int64_t repetitions, int multiplyAdds)
{
    return readMultiplyAddIn<16>(data, count, repetitions, multiplyAdds, ReadChains());
}

__attribute__((target("avx512f"))) float multiplyAddAvx512(std::int64_t iterations)
{
    return multiplyAddIn<16>(iterations, MultiplyChains());
}

#endif

Loops widestLoops()
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return {&readAvx512, &readMultiplyAddAvx512, &multiplyAddAvx512, 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return {&readAvx2, &readMultiplyAddAvx2, &multiplyAddAvx2, 8};
#endif
    return {&readPlainly, &readMultiplyAddPlainly, &multiplyAddPlainly, kPlainLanes};
}

} // namespace

float readRepeatedly(const float* data, std::size_t count, std::int64_t repetitions)
{
    return widestLoops().read(data, count, repetitions);
}

float readMultiplyAdd(const float* data, std::size_t count, std::int64_t repetitions, int multiplyAdds)
{
    return widestLoops().readMultiplyAdd(data, count, repetitions, multiplyAdds);
}

float multiplyAdd(std::int64_t iterations)
{
    return widestLoops().multiplyAdd(iterations);
}

double multiplyAddFlops()
{
    return 2.0 * static_cast<double>(kMultiplyChains * widestLoops().lanes);
}

} // namespace paretoscope::engine
