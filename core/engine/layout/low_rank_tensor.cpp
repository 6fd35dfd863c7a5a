// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/low_rank_tensor.h"

#include "core/engine/layout/dense_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <utility>

namespace paretoscope::engine {

LowRankTensor::LowRankTensor(std::shared_ptr<const CompressedTensor> b, std::shared_ptr<const CompressedTensor> a)
    : m_b(std::move(b))
    , m_a(std::move(a))
{}

core::Result<std::shared_ptr<const LowRankTensor>> LowRankTensor::stored(const at::Tensor& b, const at::Tensor& a,
                                                                         at::ScalarType type)
{
    const auto factor = [&](const at::Tensor& value) { return value.to(type).contiguous(); };
    const at::Tensor storedB = factor(b);
    const at::Tensor storedA = factor(a);
    if (!at::isfinite(storedB).all().item<bool>() || !at::isfinite(storedA).all().item<bool>())
        return core::Error {core::ErrorCode::Numerical,
                            "a value of its low-rank factors is beyond the range of the type that stores them",
                            "exclude this module"};
    return std::make_shared<const LowRankTensor>(std::make_shared<DenseTensor>(storedB),
                                                 std::make_shared<DenseTensor>(storedA));
}

core::Result<std::shared_ptr<const LowRankTensor>> LowRankTensor::quantized(const at::Tensor& b, const at::Tensor& a,
                                                                            const AffineOptions& options)
{
    PSC_ASSIGN(auto codedB, roundToNearest(b.to(at::kFloat).contiguous(), options));
    PSC_ASSIGN(auto codedA, roundToNearest(a.to(at::kFloat).contiguous(), options));
    return std::make_shared<const LowRankTensor>(std::move(codedB), std::move(codedA));
}

at::Tensor LowRankTensor::dequantize() const
{
    return at::mm(m_b->dequantize(), m_a->dequantize());
}

core::Json LowRankTensor::description() const
{
    core::Json description = descriptionOf(named());
    description["rank"] = m_b->dequantize().size(1);
    return description;
}

ReadTensor LowRankTensor::fromParts(const core::Json& description, const TensorParts& parts,
                                    const TensorLayouts& layouts)
{
    PSC_ASSIGN(std::shared_ptr<const CompressedTensor> b, readComponent("b", description, parts, layouts));
    PSC_ASSIGN(std::shared_ptr<const CompressedTensor> a, readComponent("a", description, parts, layouts));
    const at::Tensor left = b->dequantize();
    const at::Tensor right = a->dequantize();
    if (left.dim() != 2 || right.dim() != 2 || left.size(1) != right.size(0))
        return damagedParts(kLayout);
    return std::shared_ptr<const CompressedTensor>(std::make_shared<LowRankTensor>(std::move(b), std::move(a)));
}

} // namespace paretoscope::engine
