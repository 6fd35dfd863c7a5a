// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/element_type.h"
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/compressed_tensor.h"

namespace paretoscope::engine {

/// In what values of a tensor are stored that no method codes: its own type, bfloat16 for a block format.
at::ScalarType storedTypeOf(core::ElementType original);

/// An uncompressed replacement (a pruned or folded tensor). Stored in the element type the tensor had; in bfloat16 when
/// that was a block format, which cannot hold arbitrary values. Values are rounded to it at once, so that evaluation
/// and export agree.
class DenseTensor : public CompressedTensor
{
public:
    DenseTensor(const at::Tensor& value, core::ElementType original);

    at::Tensor dequantize() const override { return m_stored.to(at::kFloat); }
    std::vector<StoredPart> storedParts() const override;
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return {{"values", m_stored}}; }
    std::string_view layout() const override { return kLayout; }

    static constexpr std::string_view kLayout = "dense";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);
    /// From the part that serialise() gave.
    explicit DenseTensor(at::Tensor stored)
        : m_stored(std::move(stored))
    {}

private:
    at::Tensor m_stored;
};

} // namespace paretoscope::engine
