// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/engine/layout/tensor_layouts.h"

#include <cstdint>
#include <vector>

namespace paretoscope::engine {

/// Which entries of a matrix are stored, in the cheapest of four packings. Each is one stream of bits over the whole
/// matrix, padded to 32 bits:
///
///   n_of_m    every group of m neighbours of a row keeps n: the places within the group, ceil(log2 m) bits each (what
///             hardware for 2:4 reads; of equally cheap packings this one is taken)
///   rows      whole rows are kept or not: one bit each
///   bitmask   one bit per entry
///   columns   the columns of the kept entries, ceil(log2 in) bits each, and `out + 1` row pointers of 32 bits
///
/// Source: specs pruning_lowrank 0.1.
class PackedMask
{
public:
    enum class Packing
    {
        NOfM,
        Rows,
        Bitmask,
        Columns
    };

    /// @param mask bool [out, in], true: kept; at most 2^31 - 1 entries kept
    explicit PackedMask(at::Tensor mask);

    const at::Tensor& mask() const { return m_mask; } ///< bool [out, in], on the device where it was made
    std::int64_t kept() const { return m_kept; }
    Packing packing() const { return m_packing; }

    std::vector<StoredPart> storedParts() const; ///< "mask"; of the packing columns also "mask_row_pointers"
    TensorParts serialise() const;
    core::Json description() const;
    /// From what serialise() and description() gave. Errors: Corrupt (parts that do not fit; message without place).
    static core::Result<PackedMask> fromParts(const core::Json& description, std::int64_t rows, std::int64_t columns,
                                              const TensorParts& parts);

    /// The kept entries in row order. @param values [out, in]. @return [kept]
    at::Tensor keptOf(const at::Tensor& values) const { return values.masked_select(m_mask); }
    /// The inverse: zero where nothing is kept. @param kept [kept()]
    at::Tensor spread(const at::Tensor& kept) const
    {
        return at::zeros(m_mask.sizes(), kept.options()).masked_scatter_(m_mask, kept);
    }

private:
    std::int64_t rows() const { return m_mask.size(0); }
    std::int64_t columns() const { return m_mask.size(1); }
    std::int64_t streamBits(Packing packing) const;
    void choosePacking(const at::Tensor& onHost);

    at::Tensor m_mask;
    std::int64_t m_kept = 0;
    Packing m_packing = Packing::Bitmask;
    std::int64_t m_keptOfGroup = 0; ///< n of the packing n_of_m
    std::int64_t m_group = 0;       ///< its m
};

} // namespace paretoscope::engine
