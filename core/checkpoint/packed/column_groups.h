// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace paretoscope::core {

/// Scales and zero points by group and output: [groups, out], row-major.
struct ColumnGroups
{
    std::int64_t out = 0;
    std::int64_t in = 0;
    std::vector<float> scales;
    std::vector<float> zeros;
    std::vector<std::int32_t> groupOf; ///< of each input; negative: the input's weights are zero

    void store(std::span<float> weights, std::int64_t output, std::int64_t input, std::uint32_t code) const
    {
        const std::int32_t group = groupOf[static_cast<std::size_t>(input)];
        float value = 0;
        if (group >= 0) {
            const auto at = static_cast<std::size_t>(group * out + output);
            value = scales[at] * (static_cast<float>(code) - zeros[at]);
        }
        weights[static_cast<std::size_t>(output * in + input)] = value;
    }
};

} // namespace paretoscope::core
