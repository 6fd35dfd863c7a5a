// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/packed_mask.h"

namespace paretoscope::engine {

/// A pruned weight that is not quantised: the kept values in the element type in which they are stored, and which
/// entries they are. Values are rounded to that type at once, so that evaluation and export agree.
class SparseTensor : public CompressedTensor
{
public:
    /// @param value [out, in]; @param mask bool [out, in], true: kept; all other entries become 0
    /// @param type float32, float16 or bfloat16
    SparseTensor(const at::Tensor& value, const at::Tensor& mask, at::ScalarType type);

    at::Tensor dequantize() const override { return m_values.to(at::kFloat); }
    std::vector<StoredPart> storedParts() const override;
    TensorParts serialise() const override;
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override;
    at::Tensor mask() const override { return m_mask.mask(); }

    static constexpr std::string_view kLayout = "sparse";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

private:
    SparseTensor(at::Tensor values, PackedMask mask);

    at::Tensor m_values; ///< [out, in], with zeros: ready to be computed with
    PackedMask m_mask;
};

} // namespace paretoscope::engine
