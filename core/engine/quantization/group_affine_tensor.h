// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/packed_mask.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/quantization/affine.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// A matrix of affine codes with one scale (and zero point) per row and group.
///
/// Packed form: codes as a dense little-endian bit stream per row, padded to 32 bits (compressed-tensors); scales in
/// their storage type; zero points `bits` wide along the rows, padded to 32 bits per group; none when symmetric. With
/// columns in another order (activation_order: dynamic) also 32 bits of group index per column. Of a pruned weight only
/// the codes of kept entries are stored, as one stream over the matrix in row order, and the mask (PackedMask).
class GroupAffineTensor : public CompressedTensor
{
public:
    /// @param codes uint8 [out, in]; @param columnGroups int32 [in] or undefined (groups of consecutive columns)
    /// @param mask bool [out, in], false where the weight is zero; undefined: dense
    GroupAffineTensor(at::Tensor codes, AffineGrids grids, AffineOptions options, at::Tensor columnGroups = {},
                      const at::Tensor& mask = {});

    at::Tensor dequantize() const override;
    std::vector<StoredPart> storedParts() const override;
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override;
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override;
    at::Tensor mask() const override { return m_mask ? m_mask->mask() : at::Tensor(); }

    static constexpr std::string_view kLayout = "group_affine";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

    const at::Tensor& codes() const { return m_codes; }
    const AffineGrids& grids() const { return m_grids; }
    const AffineOptions& options() const { return m_options; }
    const at::Tensor& columnGroups() const { return m_columnGroups; } ///< undefined: groups of consecutive columns

private:
    at::Tensor m_codes;
    AffineGrids m_grids;
    AffineOptions m_options;
    at::Tensor m_columnGroups;
    std::optional<PackedMask> m_mask;
};

/// Packs rows of small unsigned integers into 32-bit words, least significant bit first; the last word of a row is
/// padded with zeros. @param codes uint8 [rows, n], each < 2^bits. @return int32 [rows, ceil(n * bits / 32)] on the
/// host
at::Tensor packRows(const at::Tensor& codes, int bits);
/// The inverse: @param packed int32 [rows, words]. @return uint8 [rows, count]
at::Tensor unpackRows(const at::Tensor& packed, std::int64_t count, int bits);

/// Round to nearest on the grids fitted to `weight` itself: the whole of RTN.
/// @param weight float32 [out, in]; @param mask as of GroupAffineTensor. Errors: Numerical (see fitGrids).
core::Result<std::shared_ptr<const GroupAffineTensor>>
roundToNearest(const at::Tensor& weight, const AffineOptions& options, const at::Tensor& mask = {});

} // namespace paretoscope::engine
