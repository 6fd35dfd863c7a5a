// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/kernels/cuda_kernels.h"

#include <filesystem>

namespace paretoscope::engine {

/// Our own kernels on NVIDIA cards: what libparetoscope_cuda.so offers, on tensors. All tensors of a call lie on one
/// card, contiguous. Work is queued; a launch that fails throws.
class CardKernels
{
public:
    /// From this library. Errors: Unsupported (it is missing, needs something that is, or is of another version).
    static core::Result<CardKernels> load(const std::filesystem::path& library);
    /// The library beside the engine's, loaded when it is first asked for. Errors: as load().
    static const core::Result<CardKernels>& installed();
    /// Those for tensors of this device; null for all but NVIDIA cards, and where the library is not usable.
    static const CardKernels* find(at::Device device);

    /// @param weight float32 [rows, columns]; @param scales, zeros float32 [rows, groups], receive the grids
    void fitGrids(const at::Tensor& weight, std::int64_t groupSize, const AffineRule& rule, at::Tensor& scales,
                  at::Tensor& zeros) const;
    /// @return uint8 [rows, columns]
    at::Tensor quantize(const at::Tensor& weight, const at::Tensor& scales, const at::Tensor& zeros,
                        std::int64_t groupSize, int levels) const;
    /// @param columnGroups int32 [columns] or undefined. @return float32 [rows, columns]
    at::Tensor dequantize(const at::Tensor& codes, const at::Tensor& scales, const at::Tensor& zeros,
                          std::int64_t groupSize, const at::Tensor& columnGroups) const;
    /// @param fresh float32 [rows, groupSize], scratch; undefined where grids were fitted beforehand
    void eliminate(const GptqBlock& block, const at::Tensor& fresh, at::Device device) const;

private:
    CardKernels() = default;
    void check(int error) const;

    decltype(&psc_cuda_error_text) m_errorText = nullptr;
    decltype(&psc_cuda_fit_grids) m_fitGrids = nullptr;
    decltype(&psc_cuda_quantize) m_quantize = nullptr;
    decltype(&psc_cuda_dequantize) m_dequantize = nullptr;
    decltype(&psc_cuda_gptq_block) m_eliminate = nullptr;
};

} // namespace paretoscope::engine
