// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/checkpoint/element_type.h"
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/compressed_tensor.h"

namespace paretoscope::engine {

/// The values of a tensor of another checkpoint, exactly, with the size they had there: a format that is not ours may
/// store them in fewer bits than they take here.
class CopiedTensor : public CompressedTensor
{
public:
    /// @param values  float32, as read from the checkpoint; @param type, bits  of the tensor there. Kept in that type
    /// where it is a plain one, else in float32.
    CopiedTensor(const at::Tensor& values, core::ElementType type, core::Bits bits);

    at::Tensor dequantize() const override { return m_values.to(at::kFloat); }
    std::vector<StoredPart> storedParts() const override;
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return {{"values", m_values}}; }
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override { return {{"stored_bits", m_bits.value}}; }

    static constexpr std::string_view kLayout = "copied";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

private:
    CopiedTensor(at::Tensor values, core::Bits bits)
        : m_values(std::move(values))
        , m_bits(bits)
    {}

    at::Tensor m_values;
    core::Bits m_bits;
};

} // namespace paretoscope::engine
