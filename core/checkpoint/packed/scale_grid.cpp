// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/packed/scale_grid.h"

#include "core/checkpoint/packed/compressed_tensors_weight.h"

#include <algorithm>
#include <cstring>

namespace paretoscope::core {

std::optional<ScaleGrid> ScaleGrid::fit(const PackedPart& scale, std::int64_t out, std::int64_t in,
                                        const CompressedTensorsGroup& group,
                                        const std::optional<PackedPart>& groupIndex)
{
    ScaleGrid grid {.part = scale, .out = out, .in = in, .columnOf = {}, .scales = {}, .zeros = {}};
    std::int64_t columnInputs = std::max<std::int64_t>(1, in);
    const bool blocks = group.blockOutputs > 0 && group.blockInputs > 0;
    if (blocks) {
        grid.rowOutputs = group.blockOutputs;
        grid.rows = dividedUp(out, group.blockOutputs);
        columnInputs = group.blockInputs;
    } else if (scale.info.elements() == 1) {
        grid.rowOutputs = std::max<std::int64_t>(1, out);
    } else {
        grid.rows = out;
        if (group.groupSize > 0)
            columnInputs = group.groupSize;
    }
    grid.columns = std::max<std::int64_t>(1, dividedUp(in, columnInputs));
    const std::vector<std::int64_t> expected {grid.rows, grid.columns};
    const bool perOutput = grid.columns == 1 && scale.info.shape == std::vector<std::int64_t> {grid.rows};
    const bool one = grid.rows == 1 && grid.columns == 1 && scale.info.elements() == 1;
    if (scale.info.shape != expected && !perOutput && !one)
        return std::nullopt;

    grid.columnOf.resize(static_cast<std::size_t>(in));
    if (!groupIndex) {
        for (std::size_t i = 0; i < grid.columnOf.size(); ++i)
            grid.columnOf[i] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / columnInputs);
        return grid;
    }
    if (groupIndex->dimension(0) != in)
        return std::nullopt;
    std::memcpy(grid.columnOf.data(), groupIndex->data.data(), groupIndex->data.size());
    const auto outside = [&](std::int32_t column) { return column < 0 || column >= grid.columns; };
    if (std::ranges::any_of(grid.columnOf, outside))
        return std::nullopt;
    return grid;
}

} // namespace paretoscope::core
