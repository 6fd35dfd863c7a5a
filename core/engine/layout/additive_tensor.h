// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/quantization/additive_codes.h"

namespace paretoscope::engine {

/// A weight as sums of codebook vectors (AQLM). Packed form: codes as a dense little-endian stream of B bits each, row
/// by row, group by group, codebook by codebook; codebooks and the scales of the rows in float16.
class AdditiveTensor : public CompressedTensor
{
public:
    /// Codebooks and scales are rounded to float16. @param bits B, 1..16; codebooks have 2^B vectors
    AdditiveTensor(const AdditiveCodes& codes, int bits);

    at::Tensor dequantize() const override { return m_codes.dequantize(); }
    std::vector<StoredPart> storedParts() const override;
    TensorParts serialise() const override;
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override;

    static constexpr std::string_view kLayout = "additive_codes";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

    const AdditiveCodes& codes() const { return m_codes; } ///< with values as stored
    int bits() const { return m_bits; }

private:
    AdditiveCodes m_codes;
    int m_bits;
};

} // namespace paretoscope::engine
