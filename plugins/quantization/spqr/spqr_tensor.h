// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/packed_mask.h"
#include "plugins/quantization/spqr/group_numbers.h"
#include "plugins/quantization/spqr/row_grid.h"

#include <optional>

namespace paretoscope::spqr {

/// What is stored of a weight, and how wide.
struct Format
{
    static constexpr int kHalf = 16; ///< in place of second-level bits: float16, no second level

    RowGridRule rule;
    std::int64_t groupSize = 16;      ///< columns that share a scale and a zero; the last group may be shorter
    int scaleBits = 3;                ///< of a second-level code
    int zeroBits = 3;                 ///< the same; without effect when zeros are whole codes or fixed
    std::int64_t scaleGroupSize = 16; ///< rows that share a second-level grid; the last run may be shorter

    std::int64_t groups(std::int64_t columns) const { return (columns + groupSize - 1) / groupSize; }
    std::int64_t runs(std::int64_t rows) const { return (rows + scaleGroupSize - 1) / scaleGroupSize; }
    bool storesZeros() const { return !rule.symmetric; }
    bool hasZeroCodes() const { return storesZeros() && !rule.roundZero && zeroBits != kHalf; }
};

/// What is added to single weights, in compressed sparse rows.
struct Outliers
{
    at::Tensor rowPointers; ///< int32 [rows + 1]
    at::Tensor columns;     ///< int32 [n], below 65536
    at::Tensor values;      ///< float16 [n], weight minus what its code stands for
};

/// The parts of an SpQR weight, all on the host.
struct Parts
{
    at::Tensor codes; ///< uint8 [rows, columns]
    GroupNumbers scales;
    GroupNumbers zeros;      ///< nothing where they are fixed
    at::Tensor columnGroups; ///< int32 [columns], below 65536; undefined: column / groupSize
    Outliers outliers;       ///< nothing where there are none
};

/// A dense matrix of small-group affine codes plus sparse corrections: scale * (code - zero) + outlier.
///
/// Packed form, dense little-endian bit streams padded to 32 bits once: codes; second-level codes of scales and of
/// zeros with a float16 step and offset per group and run of rows; 16 bits of value and 16 of column per outlier and 32
/// per row pointer; 16 bits of group index per column where groups follow the activation order; which weights are kept,
/// where the weight was pruned (their codes only).
/// Source: Dettmers et al. 2023; specs quantization 8.
class SpqrTensor : public engine::CompressedTensor
{
public:
    /// @param mask bool [rows, columns]: kept weights; undefined: all
    SpqrTensor(Parts parts, const Format& format, const at::Tensor& mask = {});

    at::Tensor dequantize() const override;
    std::vector<engine::StoredPart> storedParts() const override;
    engine::TensorParts serialise() const override;
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override;
    at::Tensor mask() const override { return m_mask ? m_mask->mask() : at::Tensor(); }

    static constexpr std::string_view kLayout = "spqr";
    /// As TensorLayout::read.
    static engine::ReadTensor fromParts(const core::Json& description, const engine::TensorParts& parts,
                                        const engine::TensorLayouts& layouts);

    const Parts& parts() const { return m_parts; }

private:
    SpqrTensor(Parts parts, const Format& format, std::optional<engine::PackedMask> mask);

    Parts m_parts;
    Format m_format;
    std::optional<engine::PackedMask> m_mask;
};

} // namespace paretoscope::spqr
