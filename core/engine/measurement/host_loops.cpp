// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/host_loops.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace paretoscope::engine {

namespace {

/// Enough to hide the latency of a multiply-add on two units.
constexpr std::size_t kChains = 10;
constexpr float kFactor = 0.999F;
constexpr float kSummand = 0.001F;
constexpr std::size_t kPlainLanes = 8;

float sumOf(std::span<const float> values)
{
    float sum = 0;
    for (const float value : values)
        sum += value;
    return sum;
}

float readPlainly(const float* data, std::size_t count, std::int64_t repetitions)
{
    std::array<float, kReadStep> sums {};
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += kReadStep) {
            for (std::size_t lane = 0; lane < kReadStep; ++lane)
                sums[lane] += data[i + lane];
        }
    }
    return sumOf(sums);
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
    std::array<float, kChains * kPlainLanes> values {};
    std::iota(values.begin(), values.end(), 0.0F); // values that start alike could be computed once
    for (std::int64_t i = 0; i < iterations; ++i) {
        for (float& value : values)
            value = value * kFactor + kSummand;
    }
    return sumOf(values);
}

#if defined(__x86_64__)

enum class Vectors
{
    Plain,
    Avx2,
    Avx512
};

Vectors widestVectors()
{
    if (__builtin_cpu_supports("avx512f"))
        return Vectors::Avx512;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Vectors::Avx2 : Vectors::Plain;
}

__attribute__((target("avx2,fma"))) float readAvx2(const float* data, std::size_t count, std::int64_t repetitions)
{
    constexpr std::size_t kLanes = 8;
    __m256 s0 = _mm256_setzero_ps();
    __m256 s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += 8 * kLanes) {
            const float* const at = data + i;
            s0 = _mm256_add_ps(s0, _mm256_loadu_ps(at));
            s1 = _mm256_add_ps(s1, _mm256_loadu_ps(at + kLanes));
            s2 = _mm256_add_ps(s2, _mm256_loadu_ps(at + 2 * kLanes));
            s3 = _mm256_add_ps(s3, _mm256_loadu_ps(at + 3 * kLanes));
            s4 = _mm256_add_ps(s4, _mm256_loadu_ps(at + 4 * kLanes));
            s5 = _mm256_add_ps(s5, _mm256_loadu_ps(at + 5 * kLanes));
            s6 = _mm256_add_ps(s6, _mm256_loadu_ps(at + 6 * kLanes));
            s7 = _mm256_add_ps(s7, _mm256_loadu_ps(at + 7 * kLanes));
        }
    }
    const __m256 left = _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
    const __m256 right = _mm256_add_ps(_mm256_add_ps(s4, s5), _mm256_add_ps(s6, s7));
    std::array<float, kLanes> lanes {};
    _mm256_storeu_ps(lanes.data(), _mm256_add_ps(left, right));
    return sumOf(lanes);
}

__attribute__((target("avx512f"))) float readAvx512(const float* data, std::size_t count, std::int64_t repetitions)
{
    constexpr std::size_t kLanes = 16;
    __m512 s0 = _mm512_setzero_ps();
    __m512 s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (std::int64_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < count; i += 8 * kLanes) {
            const float* const at = data + i;
            s0 = _mm512_add_ps(s0, _mm512_loadu_ps(at));
            s1 = _mm512_add_ps(s1, _mm512_loadu_ps(at + kLanes));
            s2 = _mm512_add_ps(s2, _mm512_loadu_ps(at + 2 * kLanes));
            s3 = _mm512_add_ps(s3, _mm512_loadu_ps(at + 3 * kLanes));
            s4 = _mm512_add_ps(s4, _mm512_loadu_ps(at + 4 * kLanes));
            s5 = _mm512_add_ps(s5, _mm512_loadu_ps(at + 5 * kLanes));
            s6 = _mm512_add_ps(s6, _mm512_loadu_ps(at + 6 * kLanes));
            s7 = _mm512_add_ps(s7, _mm512_loadu_ps(at + 7 * kLanes));
        }
    }
    const __m512 left = _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3));
    const __m512 right = _mm512_add_ps(_mm512_add_ps(s4, s5), _mm512_add_ps(s6, s7));
    std::array<float, kLanes> lanes {};
    _mm512_storeu_ps(lanes.data(), _mm512_add_ps(left, right));
    return sumOf(lanes);
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
    const __m256 a = _mm256_set1_ps(kFactor);
    const __m256 b = _mm256_set1_ps(kSummand);
    // Chains that start alike would be computed once.
    __m256 x0 = _mm256_set1_ps(0.0F);
    __m256 x1 = _mm256_set1_ps(1.0F);
    __m256 x2 = _mm256_set1_ps(2.0F);
    __m256 x3 = _mm256_set1_ps(3.0F);
    __m256 x4 = _mm256_set1_ps(4.0F);
    __m256 x5 = _mm256_set1_ps(5.0F);
    __m256 x6 = _mm256_set1_ps(6.0F);
    __m256 x7 = _mm256_set1_ps(7.0F);
    __m256 x8 = _mm256_set1_ps(8.0F);
    __m256 x9 = _mm256_set1_ps(9.0F);
    for (std::int64_t i = 0; i < iterations; ++i) {
        x0 = _mm256_fmadd_ps(x0, a, b);
        x1 = _mm256_fmadd_ps(x1, a, b);
        x2 = _mm256_fmadd_ps(x2, a, b);
        x3 = _mm256_fmadd_ps(x3, a, b);
        x4 = _mm256_fmadd_ps(x4, a, b);
        x5 = _mm256_fmadd_ps(x5, a, b);
        x6 = _mm256_fmadd_ps(x6, a, b);
        x7 = _mm256_fmadd_ps(x7, a, b);
        x8 = _mm256_fmadd_ps(x8, a, b);
        x9 = _mm256_fmadd_ps(x9, a, b);
    }
    const __m256 left = _mm256_add_ps(_mm256_add_ps(x0, x1), _mm256_add_ps(x2, x3));
    const __m256 right = _mm256_add_ps(_mm256_add_ps(x4, x5), _mm256_add_ps(x6, x7));
    std::array<float, 8> lanes {};
    _mm256_storeu_ps(lanes.data(), _mm256_add_ps(_mm256_add_ps(left, right), _mm256_add_ps(x8, x9)));
    return sumOf(lanes);
}

__attribute__((target("avx512f"))) float multiplyAddAvx512(std::int64_t iterations)
{
    const __m512 a = _mm512_set1_ps(kFactor);
    const __m512 b = _mm512_set1_ps(kSummand);
    // Chains that start alike would be computed once.
    __m512 x0 = _mm512_set1_ps(0.0F);
    __m512 x1 = _mm512_set1_ps(1.0F);
    __m512 x2 = _mm512_set1_ps(2.0F);
    __m512 x3 = _mm512_set1_ps(3.0F);
    __m512 x4 = _mm512_set1_ps(4.0F);
    __m512 x5 = _mm512_set1_ps(5.0F);
    __m512 x6 = _mm512_set1_ps(6.0F);
    __m512 x7 = _mm512_set1_ps(7.0F);
    __m512 x8 = _mm512_set1_ps(8.0F);
    __m512 x9 = _mm512_set1_ps(9.0F);
    for (std::int64_t i = 0; i < iterations; ++i) {
        x0 = _mm512_fmadd_ps(x0, a, b);
        x1 = _mm512_fmadd_ps(x1, a, b);
        x2 = _mm512_fmadd_ps(x2, a, b);
        x3 = _mm512_fmadd_ps(x3, a, b);
        x4 = _mm512_fmadd_ps(x4, a, b);
        x5 = _mm512_fmadd_ps(x5, a, b);
        x6 = _mm512_fmadd_ps(x6, a, b);
        x7 = _mm512_fmadd_ps(x7, a, b);
        x8 = _mm512_fmadd_ps(x8, a, b);
        x9 = _mm512_fmadd_ps(x9, a, b);
    }
    const __m512 left = _mm512_add_ps(_mm512_add_ps(x0, x1), _mm512_add_ps(x2, x3));
    const __m512 right = _mm512_add_ps(_mm512_add_ps(x4, x5), _mm512_add_ps(x6, x7));
    std::array<float, 16> lanes {};
    _mm512_storeu_ps(lanes.data(), _mm512_add_ps(_mm512_add_ps(left, right), _mm512_add_ps(x8, x9)));
    return sumOf(lanes);
}

#endif

} // namespace

float readRepeatedly(const float* data, std::size_t count, std::int64_t repetitions)
{
#if defined(__x86_64__)
    switch (widestVectors()) {
    case Vectors::Avx512:
        return readAvx512(data, count, repetitions);
    case Vectors::Avx2:
        return readAvx2(data, count, repetitions);
    case Vectors::Plain:
        break;
    }
#endif
    return readPlainly(data, count, repetitions);
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
#if defined(__x86_64__)
    switch (widestVectors()) {
    case Vectors::Avx512:
        return multiplyAddAvx512(iterations);
    case Vectors::Avx2:
        return multiplyAddAvx2(iterations);
    case Vectors::Plain:
        break;
    }
#endif
    return multiplyAddPlainly(iterations);
}

double multiplyAddFlops()
{
    std::size_t lanes = kPlainLanes;
#if defined(__x86_64__)
    lanes = widestVectors() == Vectors::Avx512 ? 16 : 8;
#endif
    return 2.0 * static_cast<double>(kChains * lanes);
}

} // namespace paretoscope::engine
