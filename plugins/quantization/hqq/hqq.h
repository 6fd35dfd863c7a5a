// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/quantization/coded_tensor.h"

#include <cstdint>
#include <memory>

namespace paretoscope::hqq {

struct Options
{
    int bits = 4;
    std::int64_t groupSize = 64; ///< -1: the whole row; the last group may be shorter
    double norm = 0.7;           ///< p of the error that is minimised
    double beta = 10;            ///< weight of the quadratic term in the first round
    double kappa = 1.01;         ///< by which it grows per round
    int rounds = 20;             ///< at most
    bool roundZero = false;      ///< the zero points that the rounds start from are integral
    engine::ScaleType scaleType = engine::ScaleType::Float16; ///< of scales and zero points
};

struct Quantized
{
    std::shared_ptr<const engine::CodedTensor> tensor;
    int rounds = 0;        ///< that lowered the error
    double startError = 0; ///< mean magnitude of W - Ŵ with the zero points of the range
    double error = 0;      ///< with those found
};

/// Half-quadratic quantisation: keeps the scales of the full range and moves the zero points so that the l_p norm of
/// the error, p < 1, falls: errors are split into a sparse part and one that the grid takes up, alternately. All groups
/// take a round together; it ends when the mean magnitude of the error no longer falls, with the zero points that gave
/// the least. (The published tool keeps those of the round that was no better.) Zero points are rounded to their stored
/// type in every round. A group of equal values is stored exactly but for its scale's type.
///
/// Source: Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models" (2023); constants of the
/// published tool.
/// @param weight float32 [out, in]; @param mask bool [out, in] of a pruned weight, or undefined.
/// Errors: Numerical (a scale or zero point that is not finite). Deterministic. Computed on the host.
core::Result<Quantized> quantize(const at::Tensor& weight, const Options& options, const at::Tensor& mask = {});

} // namespace paretoscope::hqq
