// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/group_numbers.h"

#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>

namespace paretoscope::spqr {

float roundToHalf(float value)
{
    return static_cast<float>(c10::Half(value));
}

SecondLevelGrid SecondLevelGrid::fit(std::span<const float> values, int bits)
{
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const float largest = std::max(std::fabs(*low), std::fabs(*high));
    const float finest = std::max(kSmallestScale, roundToHalf(largest / 32768));
    SecondLevelGrid grid;
    grid.step = std::max(finest, roundToHalf((*high - *low) / static_cast<float>((1 << bits) - 1)));
    grid.offset = roundToHalf(-*low / grid.step);
    return grid;
}

float SecondLevelGrid::code(float value, float levels) const
{
    return std::clamp(std::nearbyint(value / step + offset), 0.0F, levels);
}

at::Tensor GroupNumbers::values(std::int64_t runSize, float floor) const
{
    if (plain.defined())
        return plain;
    const at::Tensor run = at::arange(codes.size(1), codes.options().dtype(at::kLong)).floor_divide(runSize);
    return (codes.to(at::kFloat) - offsets.index_select(1, run)).mul_(steps.index_select(1, run)).clamp_min_(floor);
}

} // namespace paretoscope::spqr
