// SPDX-License-Identifier: Apache-2.0
// The interface of libparetoscope_cuda.so on the host, from the same rows and groups: for testing what calls it.
#include "core/engine/kernels/cuda_kernels.h"

#include <algorithm>

using namespace paretoscope::engine;

int psc_cuda_version()
{
    return kCudaKernelsVersion;
}

const char* psc_cuda_error_text(int)
{
    return "";
}

int psc_cuda_fit_grids(const float* weight, std::int64_t rows, std::int64_t columns, std::int64_t groupSize,
                       const AffineRule* rule, float* scales, float* zeros, void*)
{
    const std::int64_t groups = (columns + groupSize - 1) / groupSize;
    for (std::int64_t place = 0; place < rows * groups; ++place) {
        const std::int64_t first = place % groups * groupSize;
        const AffineGrid grid =
            fitGrid(OneLane(), weight + place / groups * columns + first, std::min(groupSize, columns - first), *rule);
        scales[place] = grid.scale;
        zeros[place] = grid.zero;
    }
    return 0;
}

int psc_cuda_quantize(const float* weight, const float* scales, const float* zeros, std::int64_t rows,
                      std::int64_t columns, std::int64_t groupSize, int levels, std::uint8_t* codes, void*)
{
    const std::int64_t groups = (columns + groupSize - 1) / groupSize;
    for (std::int64_t place = 0; place < rows * columns; ++place) {
        const std::int64_t group = place / columns * groups + place % columns / groupSize;
        codes[place] = static_cast<std::uint8_t>(
            AffineGrid {scales[group], zeros[group]}.code(weight[place], static_cast<float>(levels)));
    }
    return 0;
}

int psc_cuda_dequantize(const std::uint8_t* codes, const float* scales, const float* zeros,
                        const std::int32_t* columnGroups, std::int64_t rows, std::int64_t columns,
                        std::int64_t groupSize, std::int64_t groups, float* weight, void*)
{
    for (std::int64_t place = 0; place < rows * columns; ++place) {
        const std::int64_t column = place % columns;
        const std::int64_t group =
            place / columns * groups + (columnGroups ? columnGroups[column] : column / groupSize);
        weight[place] = AffineGrid {scales[group], zeros[group]}.dequantize(static_cast<float>(codes[place]));
    }
    return 0;
}

int psc_cuda_gptq_block(const GptqBlock* block, float* fresh, void*)
{
    for (std::int64_t row = 0; row < block->rows; ++row)
        eliminateRow(OneLane(), *block, row, fresh ? fresh + row * block->groupSize : nullptr);
    return 0;
}
