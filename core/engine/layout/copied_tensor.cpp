// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/copied_tensor.h"

#include "core/engine/device/transfer.h"
#include "core/engine/layout/dense_tensor.h"

namespace paretoscope::engine {

namespace {

bool isPlain(core::ElementType type)
{
    return type == core::ElementType::F32 || type == core::ElementType::F16 || type == core::ElementType::BF16;
}

} // namespace

CopiedTensor::CopiedTensor(const at::Tensor& values, core::ElementType type, core::Bits bits)
    : CopiedTensor(toHost(values).to(isPlain(type) ? storedTypeOf(type) : at::kFloat).contiguous(), bits)
{}

std::vector<StoredPart> CopiedTensor::storedParts() const
{
    return {{"values", m_bits, m_values.storage().data()}};
}

ReadTensor CopiedTensor::fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts&)
{
    const at::Tensor values = partNamed(parts, "values");
    const auto bits = description.at("stored_bits").get<std::int64_t>();
    const bool isStored =
        values.defined() && (values.scalar_type() == at::kFloat || values.scalar_type() == at::kHalf ||
                             values.scalar_type() == at::kBFloat16);
    if (!isStored || parts.size() != 1 || bits < 0)
        return damagedParts(kLayout);
    return std::shared_ptr<const CompressedTensor>(new CopiedTensor(values, {bits}));
}

} // namespace paretoscope::engine
