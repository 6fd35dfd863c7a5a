// SPDX-License-Identifier: Apache-2.0
// What libparetoscope_cuda.so offers. Every function queues its work on `stream` (a cudaStream_t) and returns a
// cudaError. Matrices are row-major and contiguous in the memory of the card that is current.
#pragma once

#include "core/engine/kernels/gptq_row.h"

extern "C" {

/// Counts changes of this file: a library of another version is not used.
int psc_cuda_version();
const char* psc_cuda_error_text(int error);

/// @param weight float32 [rows, columns]; @param scales, zeros float32 [rows, groups]
int psc_cuda_fit_grids(const float* weight, std::int64_t rows, std::int64_t columns, std::int64_t groupSize,
                       const paretoscope::engine::AffineRule* rule, float* scales, float* zeros, void* stream);
/// @param codes uint8 [rows, columns]
int psc_cuda_quantize(const float* weight, const float* scales, const float* zeros, std::int64_t rows,
                      std::int64_t columns, std::int64_t groupSize, int levels, std::uint8_t* codes, void* stream);
/// @param columnGroups int32 [columns]: the group of every column; null: column / groupSize
int psc_cuda_dequantize(const std::uint8_t* codes, const float* scales, const float* zeros,
                        const std::int32_t* columnGroups, std::int64_t rows, std::int64_t columns,
                        std::int64_t groupSize, std::int64_t groups, float* weight, void* stream);
/// @param fresh float32 [rows, groupSize], scratch; null where grids were fitted beforehand
int psc_cuda_gptq_block(const paretoscope::engine::GptqBlock* block, float* fresh, void* stream);
}

namespace paretoscope::engine {
constexpr int kCudaKernelsVersion = 2;
}
