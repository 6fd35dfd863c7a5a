// SPDX-License-Identifier: Apache-2.0
// The arithmetic of affine grids, compiled for the host and for CUDA cards alike.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define PSC_HOST_DEVICE __host__ __device__
#else
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#define PSC_HOST_DEVICE
#endif

#include <cmath>
#include <cstdint>

namespace paretoscope::engine {

enum class ScaleType
{
    Float16,
    BFloat16,
    Float32
};
enum class SymmetricDivisor
{
    HalfRange,      ///< s = absmax / ((2^b - 1) / 2)
    QMax,           ///< s = absmax / (2^(b-1) - 1)
    NegativeAbsMax, ///< s = signed extreme / -2^(b-1)
};
enum class ClipSearch
{
    None,
    MeanSquare
};

/// How the grid of one group follows from its values: codes q in [0, 2^bits - 1], value s (q - z).
struct AffineRule
{
    int bits = 4;           ///< 2..8
    bool symmetric = false; ///< z = 2^(bits-1)
    SymmetricDivisor divisor = SymmetricDivisor::HalfRange;
    bool includeZero = true; ///< the range of an asymmetric group always holds 0
    ClipSearch clip = ClipSearch::None;
    double clipNorm = 2.4;                    ///< exponent of the error that the clip search minimises
    int clipGrid = 100;                       ///< shrink factors 1 - i / clipGrid ...
    double clipMaxShrink = 0.8;               ///< ... for i below clipMaxShrink * clipGrid
    ScaleType scaleType = ScaleType::Float16; ///< codes are made with the rounded scale

    PSC_HOST_DEVICE int levels() const { return (1 << bits) - 1; }
};

/// One group's grid.
struct AffineGrid
{
    float scale = 1;
    float zero = 0; ///< integral

    /// Code of `value`: clamp(round_half_even(value / scale) + zero, 0, levels).
    PSC_HOST_DEVICE float code(float value, float levels) const
    {
        const float code = nearbyintf(value / scale) + zero;
        return code < 0.0F ? 0.0F : levels < code ? levels : code;
    }
    PSC_HOST_DEVICE float dequantize(float code) const { return scale * (code - zero); }
    PSC_HOST_DEVICE float quantize(float value, float levels) const { return dequantize(code(value, levels)); }
};

/// Those who work on one group together: the host alone; a card has the lanes of a warp (cuda_kernels.cu).
struct OneLane
{
    static constexpr int index() { return 0; }
    static constexpr int count() { return 1; }
    /// Every lane sees what the others wrote.
    static void sync() {}
    static float smallest(float value) { return value; }
    static float largest(float value) { return value; }
    /// The candidate of the lane with the smallest error; of equal errors the lowest candidate.
    static int best(double /*error*/, int candidate) { return candidate; }
};

namespace affine_detail {

PSC_HOST_DEVICE inline float roundToStorage(float scale, ScaleType type)
{
#ifdef __CUDACC__
    if (type == ScaleType::Float16)
        return __half2float(__float2half_rn(scale));
    if (type == ScaleType::BFloat16)
        return __bfloat162float(__float2bfloat16_rn(scale));
#else
    if (type == ScaleType::Float16)
        return static_cast<float>(c10::Half(scale));
    if (type == ScaleType::BFloat16)
        return static_cast<float>(c10::BFloat16(scale));
#endif
    return scale;
}

PSC_HOST_DEVICE inline float smallestScale(ScaleType type)
{
    // Subnormals of half; the smallest normal number otherwise, so that dividing by the scale stays finite.
    return type == ScaleType::Float16 ? 0x1p-24F : 0x1p-126F;
}

struct Range
{
    float low;
    float high;
    float extreme; ///< the value of largest magnitude, with its sign
};

template <typename Lanes>
PSC_HOST_DEVICE Range rangeOf(const Lanes& lanes, const float* values, std::int64_t count, bool includeZero)
{
    float low = values[0];
    float high = values[0];
    for (std::int64_t i = lanes.index(); i < count; i += lanes.count()) {
        low = values[i] < low ? values[i] : low;
        high = high < values[i] ? values[i] : high;
    }
    low = lanes.smallest(low);
    high = lanes.largest(high);
    const float extreme = fabsf(low) > fabsf(high) ? low : high;
    if (includeZero)
        return {low < 0.0F ? low : 0.0F, high < 0.0F ? 0.0F : high, extreme};
    return {low, high, extreme};
}

PSC_HOST_DEVICE inline AffineGrid gridOfRange(const Range& range, const AffineRule& rule)
{
    const auto levels = static_cast<float>(rule.levels());
    const auto middle = static_cast<float>(1 << (rule.bits - 1));
    float scale = 0;
    if (rule.symmetric) {
        switch (rule.divisor) {
        case SymmetricDivisor::HalfRange:
            scale = fabsf(range.extreme) / (levels / 2);
            break;
        case SymmetricDivisor::QMax:
            scale = fabsf(range.extreme) / (middle - 1);
            break;
        case SymmetricDivisor::NegativeAbsMax:
            scale = range.extreme / -middle;
            break;
        }
    } else {
        scale = (range.high - range.low) / levels;
    }
    if (scale == 0)
        return {1, middle};
    scale = roundToStorage(scale, rule.scaleType);
    if (fabsf(scale) < smallestScale(rule.scaleType))
        scale = copysignf(smallestScale(rule.scaleType), scale);
    if (rule.symmetric)
        return {scale, middle};
    // Without zero in the range the zero point may leave the codes; AWQ's quantizer clamps it, and so do we.
    const float zero = nearbyintf(-range.low / scale);
    return {scale, zero < 0.0F ? 0.0F : levels < zero ? levels : zero};
}

PSC_HOST_DEVICE inline double errorOf(const float* values, std::int64_t count, const AffineGrid& grid,
                                      const AffineRule& rule)
{
    const auto levels = static_cast<float>(rule.levels());
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i)
        sum += pow(double(fabsf(grid.quantize(values[i], levels) - values[i])), rule.clipNorm);
    return sum;
}

} // namespace affine_detail

/// Fits the grid of one group. A group of zeros gets scale 1 and the middle zero point, so it stays exactly 0.
/// Deterministic. Source: specs quantization 2 (RTN of GPTQ's code; clip search with its constants 2.4 / 100 / 0.8).
/// @param values float32 [count], seen by all lanes, which all return the grid
template <typename Lanes>
PSC_HOST_DEVICE AffineGrid fitGrid(const Lanes& lanes, const float* values, std::int64_t count, const AffineRule& rule)
{
    using namespace affine_detail;
    const Range full = rangeOf(lanes, values, count, rule.includeZero);
    const AffineGrid widest = gridOfRange(full, rule);
    if (rule.clip == ClipSearch::None)
        return widest;
    const auto shrunk = [&](int step) {
        const float shrink = 1.0F - static_cast<float>(step) / static_cast<float>(rule.clipGrid);
        return gridOfRange({full.low * shrink, full.high * shrink, full.extreme * shrink}, rule);
    };
    const int steps = static_cast<int>(rule.clipMaxShrink * rule.clipGrid);
    double smallest = HUGE_VAL;
    int best = steps;
    for (int step = lanes.index(); step < steps; step += lanes.count()) { // step 0 is the full range
        const double error = errorOf(values, count, shrunk(step), rule);
        if (error < smallest) { // so the widest wins ties
            smallest = error;
            best = step;
        }
    }
    best = lanes.best(smallest, best);
    return best == steps ? widest : shrunk(best);
}

} // namespace paretoscope::engine
