// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/sparse_tensor.h"

#include <utility>

namespace paretoscope::engine {

namespace {

constexpr const char* kValues = "values";

bool isStoredType(const at::Tensor& values)
{
    return values.scalar_type() == at::kFloat || values.scalar_type() == at::kHalf ||
           values.scalar_type() == at::kBFloat16;
}

} // namespace

SparseTensor::SparseTensor(const at::Tensor& value, const at::Tensor& mask, at::ScalarType type)
    : SparseTensor(value.to(type).masked_fill(mask.logical_not(), 0), PackedMask(mask))
{}

SparseTensor::SparseTensor(at::Tensor values, PackedMask mask)
    : m_values(std::move(values))
    , m_mask(std::move(mask))
{}

std::vector<StoredPart> SparseTensor::storedParts() const
{
    std::vector<StoredPart> parts = m_mask.storedParts();
    const auto bits = static_cast<std::int64_t>(m_values.element_size()) * 8;
    parts.push_back({kValues, {m_mask.kept() * bits}, m_values.storage().data()});
    return parts;
}

TensorParts SparseTensor::serialise() const
{
    TensorParts parts = m_mask.serialise();
    parts.emplace_back(kValues, m_mask.keptOf(m_values));
    return parts;
}

core::Json SparseTensor::description() const
{
    return {{"rows", m_values.size(0)}, {"columns", m_values.size(1)}, {"mask", m_mask.description()}};
}

ReadTensor SparseTensor::fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts&)
{
    PSC_ASSIGN(PackedMask mask,
               PackedMask::fromParts(description.at("mask"), description.value("rows", std::int64_t(0)),
                                     description.value("columns", std::int64_t(0)), parts));
    const at::Tensor values = partNamed(parts, kValues);
    if (!values.defined() || !isStoredType(values) || !hasShape(values, values.scalar_type(), {mask.kept()}))
        return damagedParts(kLayout);
    at::Tensor spread = mask.spread(values);
    return std::shared_ptr<const CompressedTensor>(new SparseTensor(std::move(spread), std::move(mask)));
}

} // namespace paretoscope::engine
