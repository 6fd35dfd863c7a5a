// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/kernels/card_kernels.h"
#include "core/engine/quantization/affine.h"

#include <cstdint>
#include <optional>

namespace paretoscope::engine {

/// What a column elimination starts from. All tensors on one device, columns in the order of work.
struct EliminationStart
{
    at::Tensor weight;     ///< float32 [out, in]; taken over
    at::Tensor factor;     ///< float32 [in, in]: inverseFactor()
    bool rounds = true;    ///< false: kept weights are not rounded
    AffineOptions grid {}; ///< how they are
    /// int64 [in]: the original column at every place.
    at::Tensor order;
    /// Fitted beforehand, to groups of original columns; without them a group is fitted when its first column is
    /// reached.
    std::optional<AffineGrids> fixedGrids {};
    at::Tensor mask {};  ///< bool [out, in], false where the weight becomes zero; undefined: nowhere
    std::int64_t of = 0; ///< of every `of` columns `keep` stay, chosen when the first is reached; 0: as the mask says
    std::int64_t keep = 0;
};

/// Settles the columns of a weight one after the other (rounds, prunes) and moves each one's error into the columns to
/// come: the common part of GPTQ and SparseGPT. Rows are worked on in parallel; deterministic.
class ColumnElimination
{
public:
    /// @param kernels null: on the host, wherever the tensors lie
    ColumnElimination(EliminationStart start, const CardKernels* kernels);

    std::int64_t columns() const { return m_weight.size(1); }
    /// Settles [begin, end); columns from `end` on have taken the errors afterwards. To be called from left to right.
    void settle(std::int64_t begin, std::int64_t end);
    /// Where nothing rounds it holds the result, apart from what the mask drops; in the order of work.
    at::Tensor weight() const { return toOrigin(m_weight); }
    /// bool [out, in], in the order of work.
    at::Tensor mask() const { return toOrigin(m_mask); }
    /// Says which of the columns from `begin` on stay. @param mask bool [out, width]
    void setMask(std::int64_t begin, const at::Tensor& mask);
    at::Tensor codes() const { return toOrigin(m_codes); } ///< uint8 [out, in], in the order of work
    AffineGrids grids() const { return {toOrigin(m_grids.scales), toOrigin(m_grids.zeros)}; }
    double loss() const; ///< sum of the squared scaled errors = tr((W - Ŵ) H_damped (W - Ŵ)ᵀ)

private:
    at::Tensor toOrigin(const at::Tensor& tensor) const;
    GptqBlock blockOf(std::int64_t begin, std::int64_t end, at::Tensor& errors);
    void settleOnHost(const GptqBlock& block) const;

    const CardKernels* m_kernels;
    at::Device m_origin; ///< where the tensors came from and results go
    at::Tensor m_weight;
    at::Tensor m_factor;
    bool m_rounds;
    AffineOptions m_rule;
    at::Tensor m_order;
    bool m_fixedGrids;
    at::Tensor m_mask;
    std::int64_t m_of;
    std::int64_t m_keep;
    AffineGrids m_grids;
    at::Tensor m_codes;
    at::Tensor m_losses; ///< float64 [out]
    at::Tensor m_fresh;  ///< scratch of the kernel
};

} // namespace paretoscope::engine
