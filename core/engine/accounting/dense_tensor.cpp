// SPDX-License-Identifier: Apache-2.0
#include "core/engine/accounting/dense_tensor.h"

namespace paretoscope::engine {

namespace {

at::ScalarType storageOf(core::ElementType original)
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

} // namespace

DenseTensor::DenseTensor(const at::Tensor& value, core::ElementType original)
    : m_stored(value.to(storageOf(original)).contiguous())
{}

std::vector<StoredPart> DenseTensor::storedParts() const
{
    return {{"values", {static_cast<std::int64_t>(m_stored.nbytes()) * 8}, m_stored.storage().data()}};
}

} // namespace paretoscope::engine
