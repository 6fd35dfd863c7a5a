// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/packed/packed_weight.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace paretoscope::core {

struct CompressedTensorsGroup;

/// Scales and zero points of a weight [out, in] on a grid [rows, columns]: one for all, one per output, one per output
/// and group of inputs, or one per block of outputs × inputs.
struct ScaleGrid
{
    PackedPart part; ///< the scales in the file
    std::int64_t out = 0;
    std::int64_t in = 0;
    std::int64_t rows = 1;
    std::int64_t columns = 1;
    std::int64_t rowOutputs = 1;        ///< outputs that share a row
    std::vector<std::int32_t> columnOf; ///< of each input
    std::vector<float> scales;          ///< filled for decoding
    std::vector<float> zeros;           ///< filled for decoding; empty: all zero

    /// Nothing when the shape of the scales is none of these for the given group.
    static std::optional<ScaleGrid> fit(const PackedPart& scale, std::int64_t out, std::int64_t in,
                                        const CompressedTensorsGroup& group,
                                        const std::optional<PackedPart>& groupIndex);

    void store(std::span<float> weights, std::int64_t output, std::int64_t input, float code) const
    {
        const auto at =
            static_cast<std::size_t>(output / rowOutputs * columns + columnOf[static_cast<std::size_t>(input)]);
        const float zero = zeros.empty() ? 0.0F : zeros[at];
        weights[static_cast<std::size_t>(output * in + input)] = scales[at] * (code - zero);
    }
};

} // namespace paretoscope::core
