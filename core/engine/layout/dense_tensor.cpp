// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/dense_tensor.h"

namespace paretoscope::engine {

at::ScalarType storedTypeOf(core::ElementType original)
{
    switch (original) {
    case core::ElementType::F32:
    case core::ElementType::F64:
        return at::kFloat;
    case core::ElementType::F16:
        return at::kHalf;
    default:
        return at::kBFloat16;
    }
}

DenseTensor::DenseTensor(const at::Tensor& value, core::ElementType original)
    : m_stored(value.to(storedTypeOf(original)).contiguous())
{}

ReadTensor DenseTensor::fromParts(const core::Json&, const TensorParts& parts, const TensorLayouts&)
{
    const at::Tensor values = partNamed(parts, "values");
    const bool isStored =
        values.defined() && (values.scalar_type() == at::kFloat || values.scalar_type() == at::kHalf ||
                             values.scalar_type() == at::kBFloat16);
    if (!isStored || parts.size() != 1)
        return damagedParts(kLayout);
    return std::shared_ptr<const CompressedTensor>(std::make_shared<DenseTensor>(values));
}

std::vector<StoredPart> DenseTensor::storedParts() const
{
    return {{"values", {static_cast<std::int64_t>(m_stored.nbytes()) * 8}, m_stored.storage().data()}};
}

} // namespace paretoscope::engine
