// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/cuda_kernels.h"

#include <cuda_runtime.h>

namespace {

using namespace paretoscope::engine;

constexpr int kWarp = 32;
constexpr unsigned kAll = 0xffffffffU;
constexpr int kThreads = 256;

/// The lanes of a warp, on one row together.
struct WarpLanes
{
    __device__ static int index() { return static_cast<int>(threadIdx.x) % kWarp; }
    __device__ static int count() { return kWarp; }
    __device__ static void sync() { __syncwarp(); }
    __device__ static float smallest(float value)
    {
        for (int step = kWarp / 2; step > 0; step /= 2) {
            const float other = __shfl_xor_sync(kAll, value, step);
            value = other < value ? other : value;
        }
        return value;
    }
    __device__ static float largest(float value)
    {
        for (int step = kWarp / 2; step > 0; step /= 2) {
            const float other = __shfl_xor_sync(kAll, value, step);
            value = value < other ? other : value;
        }
        return value;
    }
    __device__ static int best(double error, int candidate)
    {
        for (int step = kWarp / 2; step > 0; step /= 2) {
            const double otherError = __shfl_xor_sync(kAll, error, step);
            const int other = __shfl_xor_sync(kAll, candidate, step);
            if (otherError < error || (otherError == error && other < candidate)) {
                error = otherError;
                candidate = other;
            }
        }
        return candidate;
    }
};

/// Index of this warp among all of the grid.
__device__ std::int64_t warp()
{
    return (std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
}

__device__ std::int64_t thread()
{
    return std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
}

unsigned blocksFor(std::int64_t threads)
{
    return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

cudaStream_t streamOf(void* stream)
{
    return static_cast<cudaStream_t>(stream);
}

__global__ void fitGrids(const float* weight, std::int64_t rows, std::int64_t columns, std::int64_t groupSize,
                         std::int64_t groups, AffineRule rule, float* scales, float* zeros)
{
    const std::int64_t place = warp();
    if (place >= rows * groups)
        return;
    const std::int64_t first = place % groups * groupSize;
    const std::int64_t left = columns - first;
    const AffineGrid grid =
        fitGrid(WarpLanes(), weight + place / groups * columns + first, groupSize < left ? groupSize : left, rule);
    if (WarpLanes::index() == 0) {
        scales[place] = grid.scale;
        zeros[place] = grid.zero;
    }
}

__global__ void quantize(const float* weight, const float* scales, const float* zeros, std::int64_t rows,
                         std::int64_t columns, std::int64_t groupSize, std::int64_t groups, float levels,
                         std::uint8_t* codes)
{
    const std::int64_t place = thread();
    if (place >= rows * columns)
        return;
    const std::int64_t group = place / columns * groups + place % columns / groupSize;
    codes[place] = static_cast<std::uint8_t>(AffineGrid {scales[group], zeros[group]}.code(weight[place], levels));
}

__global__ void dequantize(const std::uint8_t* codes, const float* scales, const float* zeros,
                           const std::int32_t* columnGroups, std::int64_t rows, std::int64_t columns,
                           std::int64_t groupSize, std::int64_t groups, float* weight)
{
    const std::int64_t place = thread();
    if (place >= rows * columns)
        return;
    const std::int64_t column = place % columns;
    const std::int64_t group = place / columns * groups + (columnGroups ? columnGroups[column] : column / groupSize);
    weight[place] = AffineGrid {scales[group], zeros[group]}.dequantize(static_cast<float>(codes[place]));
}

__global__ void eliminate(GptqBlock block, float* fresh)
{
    const std::int64_t row = warp();
    if (row < block.rows)
        eliminateRow(WarpLanes(), block, row, fresh ? fresh + row * block.groupSize : nullptr);
}

} // namespace

int psc_cuda_version()
{
    return kCudaKernelsVersion;
}

const char* psc_cuda_error_text(int error)
{
    return cudaGetErrorString(static_cast<cudaError_t>(error));
}

int psc_cuda_fit_grids(const float* weight, std::int64_t rows, std::int64_t columns, std::int64_t groupSize,
                       const AffineRule* rule, float* scales, float* zeros, void* stream)
{
    const std::int64_t groups = (columns + groupSize - 1) / groupSize;
    fitGrids<<<blocksFor(rows * groups * kWarp), kThreads, 0, streamOf(stream)>>>(weight, rows, columns, groupSize,
                                                                                  groups, *rule, scales, zeros);
    return cudaGetLastError();
}

int psc_cuda_quantize(const float* weight, const float* scales, const float* zeros, std::int64_t rows,
                      std::int64_t columns, std::int64_t groupSize, int levels, std::uint8_t* codes, void* stream)
{
    const std::int64_t groups = (columns + groupSize - 1) / groupSize;
    quantize<<<blocksFor(rows * columns), kThreads, 0, streamOf(stream)>>>(
        weight, scales, zeros, rows, columns, groupSize, groups, static_cast<float>(levels), codes);
    return cudaGetLastError();
}

int psc_cuda_dequantize(const std::uint8_t* codes, const float* scales, const float* zeros,
                        const std::int32_t* columnGroups, std::int64_t rows, std::int64_t columns,
                        std::int64_t groupSize, std::int64_t groups, float* weight, void* stream)
{
    dequantize<<<blocksFor(rows * columns), kThreads, 0, streamOf(stream)>>>(codes, scales, zeros, columnGroups, rows,
                                                                             columns, groupSize, groups, weight);
    return cudaGetLastError();
}

int psc_cuda_gptq_block(const GptqBlock* block, float* fresh, void* stream)
{
    eliminate<<<blocksFor(block->rows * kWarp), kThreads, 0, streamOf(stream)>>>(*block, fresh);
    return cudaGetLastError();
}
