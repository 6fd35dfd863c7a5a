// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>
#include <limits>

namespace paretoscope::int8 {

enum class Granularity
{
    None,   ///< activations stay as they are
    Token,  ///< one scale per row, found when it is there (dynamic)
    Group,  ///< one per row and group of channels, likewise
    Tensor, ///< one for all, found in calibration (static)
};

/// How activations become 8-bit integers and back.
struct ActivationRule
{
    Granularity granularity = Granularity::Token;
    bool symmetric = true;
    /// Codes of a symmetric quantizer: 127 for scales absmax/127 and codes -127..127 (SmoothQuant); 127.5 for
    /// absmax/127.5 and -128..127 (compressed-tensors).
    double divisor = 127;
    std::int64_t groupSize = 128;
    /// Columns in which a value of the call is at least this large stay as they are and count for no scale
    /// (LLM.int8()).
    double outlierThreshold = std::numeric_limits<double>::infinity();
};

/// The values that the integers stand for; what a product of integers in 32 bits gives differs by the rounding of a
/// float32 product only. Magnitudes below 1e-5 count as 1e-5 in scales.
/// Source: specs quantization 4; Xiao et al., ICML 2023; Dettmers et al., NeurIPS 2022.
/// @param x [tokens, features], any float type, which the result has; @param staticMagnitude of Granularity::Tensor:
/// what the largest code stands for
at::Tensor quantizeActivations(const at::Tensor& x, const ActivationRule& rule, double staticMagnitude = 0);

} // namespace paretoscope::int8
