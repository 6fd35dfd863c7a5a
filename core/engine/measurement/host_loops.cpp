// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/host_loops.h"

#include <algorithm>
#include <array>
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
    const typename Vector<lanes>::Type all = (sums[chain] + ...);
    float sum = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        sum += all[lane];
    return sum;
}

template <std::size_t lanes, std::size_t... chain>
[[gnu::always_inline]] inline float multiplyAddIn(std::int64_t iterations, std::index_sequence<chain...>)
{
    // Chains that start alike would be computed once, and one that starts at 1 stays there, so not at all.
    typename Vector<lanes>::Type values[] = {typename Vector<lanes>::Type {} + static_cast<float>(chain + 2)...};
    for (std::int64_t i = 0; i < iterations; ++i)
        ((values[chain] = values[chain] * kFactor + kSummand), ...);
    const typename Vector<lanes>::Type all = (values[chain] + ...);
    float sum = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        sum += all[lane];
    return sum;
}

/// The loops with one kind of vectors.
struct Loops
{
    float (*read)(const float* data, std::size_t count, std::int64_t repetitions);
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
    std::array<float, kReadStep> sums {};
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += kReadStep) {
            std::array<float, kReadStep> x;
            std::copy_n(data + i, kReadStep, x.begin());
            for (int k = 0; k < multiplyAdds; ++k) {
                for (float& value : x)
                    value = value * kFactor + kSummand;
            }
            for (std::size_t lane = 0; lane < kReadStep; ++lane)
                sums[lane] += x[lane];
        }
    }
    return sumOf(sums);
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
    constexpr std::size_t kLanes = 8;
    const __m256 a = _mm256_set1_ps(kFactor);
    const __m256 b = _mm256_set1_ps(kSummand);
    __m256 left = _mm256_setzero_ps();
    __m256 right = left;
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += 8 * kLanes) {
            const float* const at = data + i;
            __m256 x0 = _mm256_loadu_ps(at);
            __m256 x1 = _mm256_loadu_ps(at + kLanes);
            __m256 x2 = _mm256_loadu_ps(at + 2 * kLanes);
            __m256 x3 = _mm256_loadu_ps(at + 3 * kLanes);
            __m256 x4 = _mm256_loadu_ps(at + 4 * kLanes);
            __m256 x5 = _mm256_loadu_ps(at + 5 * kLanes);
            __m256 x6 = _mm256_loadu_ps(at + 6 * kLanes);
            __m256 x7 = _mm256_loadu_ps(at + 7 * kLanes);
            for (int k = 0; k < multiplyAdds; ++k) {
                x0 = _mm256_fmadd_ps(x0, a, b);
                x1 = _mm256_fmadd_ps(x1, a, b);
                x2 = _mm256_fmadd_ps(x2, a, b);
                x3 = _mm256_fmadd_ps(x3, a, b);
                x4 = _mm256_fmadd_ps(x4, a, b);
                x5 = _mm256_fmadd_ps(x5, a, b);
                x6 = _mm256_fmadd_ps(x6, a, b);
                x7 = _mm256_fmadd_ps(x7, a, b);
            }
            left = _mm256_add_ps(left, _mm256_add_ps(_mm256_add_ps(x0, x1), _mm256_add_ps(x2, x3)));
            right = _mm256_add_ps(right, _mm256_add_ps(_mm256_add_ps(x4, x5), _mm256_add_ps(x6, x7)));
        }
    }
    std::array<float, kLanes> lanes {};
    _mm256_storeu_ps(lanes.data(), _mm256_add_ps(left, right));
    return sumOf(lanes);
}

__attribute__((target("avx512f"))) float readMultiplyAddAvx512(const float* data, std::size_t count,
                                                               std::int64_t repetitions, int multiplyAdds)
{
    constexpr std::size_t kLanes = 16;
    const __m512 a = _mm512_set1_ps(kFactor);
    const __m512 b = _mm512_set1_ps(kSummand);
    __m512 left = _mm512_setzero_ps();
    __m512 right = left;
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += 8 * kLanes) {
            const float* const at = data + i;
            __m512 x0 = _mm512_loadu_ps(at);
            __m512 x1 = _mm512_loadu_ps(at + kLanes);
            __m512 x2 = _mm512_loadu_ps(at + 2 * kLanes);
            __m512 x3 = _mm512_loadu_ps(at + 3 * kLanes);
            __m512 x4 = _mm512_loadu_ps(at + 4 * kLanes);
            __m512 x5 = _mm512_loadu_ps(at + 5 * kLanes);
            __m512 x6 = _mm512_loadu_ps(at + 6 * kLanes);
            __m512 x7 = _mm512_loadu_ps(at + 7 * kLanes);
            for (int k = 0; k < multiplyAdds; ++k) {
                x0 = _mm512_fmadd_ps(x0, a, b);
                x1 = _mm512_fmadd_ps(x1, a, b);
                x2 = _mm512_fmadd_ps(x2, a, b);
                x3 = _mm512_fmadd_ps(x3, a, b);
                x4 = _mm512_fmadd_ps(x4, a, b);
                x5 = _mm512_fmadd_ps(x5, a, b);
                x6 = _mm512_fmadd_ps(x6, a, b);
                x7 = _mm512_fmadd_ps(x7, a, b);
            }
            left = _mm512_add_ps(left, _mm512_add_ps(_mm512_add_ps(x0, x1), _mm512_add_ps(x2, x3)));
            right = _mm512_add_ps(right, _mm512_add_ps(_mm512_add_ps(x4, x5), _mm512_add_ps(x6, x7)));
        }
    }
    std::array<float, kLanes> lanes {};
    _mm512_storeu_ps(lanes.data(), _mm512_add_ps(left, right));
    return sumOf(lanes);
}

__attribute__((target("avx2,fma"))) float multiplyAddAvx2(std::int64_t iterations)
{
    return multiplyAddIn<8>(iterations, MultiplyChains());
}

__attribute__((target("avx512f"))) float readAvx512(const float* data, std::size_t count, std::int64_t repetitions)
{
    return readIn<16>(data, count, repetitions, ReadChains());
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
        return {&readAvx512, &multiplyAddAvx512, 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return {&readAvx2, &multiplyAddAvx2, 8};
#endif
    return {&readPlainly, &multiplyAddPlainly, kPlainLanes};
}

} // namespace

float readRepeatedly(const float* data, std::size_t count, std::int64_t repetitions)
{
    return widestLoops().read(data, count, repetitions);
}

float readMultiplyAdd(const float* data, std::size_t count, std::int64_t repetitions, int multiplyAdds)
{
#if defined(__x86_64__)
    switch (widestVectors()) {
    case Vectors::Avx512:
        return readMultiplyAddAvx512(data, count, repetitions, multiplyAdds);
    case Vectors::Avx2:
        return readMultiplyAddAvx2(data, count, repetitions, multiplyAdds);
    case Vectors::Plain:
        break;
    }
#endif
    return readMultiplyAddPlainly(data, count, repetitions, multiplyAdds);
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
