// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/tensor_layouts.h"

#include "core/engine/layout/additive_tensor.h"
#include "core/engine/layout/copied_tensor.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/layout/low_rank_tensor.h"
#include "core/engine/layout/sparse_tensor.h"
#include "core/engine/layout/sum_tensor.h"
#include "core/engine/quantization/coded_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <algorithm>
#include <array>

namespace paretoscope::engine {

namespace {

constexpr std::array kBuiltIn {
    TensorLayout {AdditiveTensor::kLayout, &AdditiveTensor::fromParts},
    TensorLayout {CodedTensor::kLayout, &CodedTensor::fromParts},
    TensorLayout {CopiedTensor::kLayout, &CopiedTensor::fromParts},
    TensorLayout {DenseTensor::kLayout, &DenseTensor::fromParts},
    TensorLayout {GroupAffineTensor::kLayout, &GroupAffineTensor::fromParts},
    TensorLayout {SparseTensor::kLayout, &SparseTensor::fromParts},
    TensorLayout {LowRankTensor::kLayout, &LowRankTensor::fromParts},
    TensorLayout {SumTensor::kLayout, &SumTensor::fromParts},
};

} // namespace

std::shared_ptr<const TensorLayouts> TensorLayouts::builtIn()
{
    return TensorLayouts().with(kBuiltIn);
}

std::shared_ptr<const TensorLayouts> TensorLayouts::with(std::span<const TensorLayout> more) const
{
    auto extended = std::make_shared<TensorLayouts>(*this);
    extended->m_layouts.insert(extended->m_layouts.end(), more.begin(), more.end());
    return extended;
}

ReadTensor TensorLayouts::read(std::string_view layout, const core::Json& description, const TensorParts& parts) const
{
    const auto found = std::find_if(m_layouts.begin(), m_layouts.end(),
                                    [&](const TensorLayout& candidate) { return candidate.name == layout; });
    if (found == m_layouts.end() || !description.is_object())
        return damagedParts(layout);
    try {
        return found->read(description, parts, *this);
    } catch (const core::Json::exception&) { // a description with members of other types
        return damagedParts(layout);
    }
}

bool TensorLayouts::canRead(const CompressedTensor& tensor) const
{
    const bool isKnown = std::any_of(m_layouts.begin(), m_layouts.end(),
                                     [&](const TensorLayout& candidate) { return candidate.name == tensor.layout(); });
    const std::vector<const CompressedTensor*> components = tensor.components();
    return isKnown && std::all_of(components.begin(), components.end(),
                                  [&](const CompressedTensor* component) { return canRead(*component); });
}

at::Tensor partNamed(const TensorParts& parts, std::string_view name)
{
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return part.first == name; });
    return found == parts.end() ? at::Tensor() : found->second;
}

bool hasShape(const at::Tensor& part, at::ScalarType type, at::IntArrayRef sizes)
{
    return part.defined() && part.scalar_type() == type && part.sizes() == sizes;
}

core::Error damagedParts(std::string_view layout)
{
    return {core::ErrorCode::Corrupt, "a packed tensor of the layout " + std::string(layout) + " is damaged",
            "remove the cache folder and run the same command again"};
}

} // namespace paretoscope::engine
