// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/tensor_layouts.h"

#include <memory>
#include <vector>

namespace paretoscope::bitstack {

/// One bit per entry, row by row: bit 7 - i % 8 of byte i / 8 is set where `isPositive`; zeros at the end.
/// @param isPositive bool, any shape. @return uint8 [ceil(n / 8)]
at::Tensor packSigns(const at::Tensor& isPositive);
/// The inverse. @param packed uint8 [at least ceil(count / 8)]. @return bool [count]
at::Tensor unpackSigns(const at::Tensor& packed, std::int64_t count);

/// The parts of a stack of n blocks of rank k.
struct StackParts
{
    at::Tensor signs;  ///< uint8 [n, ceil(rows * columns / 8)]
    at::Tensor left;   ///< float16 [n, rows, k]
    at::Tensor right;  ///< float16 [n, k, columns]
    at::Tensor scales; ///< float16 [columns]: what the columns were multiplied with; undefined: nothing
    /// Squared norm of what is left of the scaled weight after 0, 1, ... n blocks.
    std::vector<double> errors;
    /// Of the second, third, ... block: of all layers' blocks of one level that with the smallest number is loaded
    /// first.
    std::vector<double> importance;
};

/// A weight as a sum of blocks, each a matrix of signs times a product of two thin float16 factors entry by entry:
/// Σ Sᵢ ⊙ (Lᵢ Rᵢ), its columns divided by scales. Its first blocks are a smaller form of the same weight.
/// Source: Wang et al., ICLR 2025 (arXiv 2410.23918); specs quantization 13. Other than there the scales are stored
/// (16 bits per column) and not folded into what comes before, so that every layer can have them.
class StackTensor : public engine::CompressedTensor
{
public:
    /// @param columns of the weight
    StackTensor(StackParts parts, std::int64_t columns);

    at::Tensor dequantize() const override;
    std::vector<engine::StoredPart> storedParts() const override;
    engine::TensorParts serialise() const override;
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override;

    static constexpr std::string_view kLayout = "bitstack";
    /// As TensorLayout::read.
    static engine::ReadTensor fromParts(const core::Json& description, const engine::TensorParts& parts,
                                        const engine::TensorLayouts& layouts);
    /// The stack that a form of this layout holds, wherever its parts wait. Errors: Corrupt (another layout).
    static core::Result<std::shared_ptr<const StackTensor>> of(const engine::CompressedTensor& form);

    /// The first `count` blocks.
    std::shared_ptr<const StackTensor> prefix(std::int64_t count) const;

    const StackParts& parts() const { return m_parts; }
    std::int64_t rows() const { return m_parts.left.size(1); }
    std::int64_t columns() const { return m_columns; }
    std::int64_t blocks() const { return m_parts.left.size(0); }
    std::int64_t blockBits() const; ///< of one block
    std::int64_t fixedBits() const; ///< beside the blocks

private:
    StackParts m_parts;
    std::int64_t m_columns;
};

/// What block `index` adds to the scaled weight. float32 [rows, columns]
at::Tensor blockOf(const StackParts& parts, std::int64_t index);

} // namespace paretoscope::bitstack
