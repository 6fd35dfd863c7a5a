// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/block_part.h"

#include "core/engine/kernels/transformer.h"

namespace paretoscope::engine {

std::size_t ViewBuilder::addUnit(const core::LinearSpec& linear, const std::string& role, const std::string& input,
                                 int expert)
{
    m_view.units.push_back({.module = linear.module,
                            .tensor = linear.weight(),
                            .role = role,
                            .block = m_block,
                            .expert = expert,
                            .outFeatures = linear.outFeatures,
                            .inFeatures = linear.inFeatures,
                            .input = input});
    return m_view.units.size() - 1;
}

std::size_t ViewBuilder::addRouter(const core::LinearSpec& linear, const std::string& role, const std::string& input)
{
    const std::size_t unit = addUnit(linear, role, input);
    m_view.units[unit].byDefault = false;
    return unit;
}

void ViewBuilder::foldNorm(const std::optional<core::NormSpec>& norm, std::vector<std::size_t> readers)
{
    if (!norm || norm->weight.empty())
        return;
    m_view.foldGroups.push_back({.kind = FoldGroup::Producer::Norm,
                                 .producer = norm->weight,
                                 .producerBias = norm->bias,
                                 .producerOffset = norm->weightOffset,
                                 .consumers = std::move(readers),
                                 .block = m_block});
}

void ViewBuilder::foldLinear(const core::LinearSpec& producer, std::size_t consumer, std::vector<std::int64_t> rows)
{
    m_view.foldGroups.push_back({.kind = FoldGroup::Producer::Linear,
                                 .producer = producer.weight(),
                                 .producerBias = producer.bias ? producer.biasName() : "",
                                 .producerRows = std::move(rows),
                                 .consumers = {consumer},
                                 .block = m_block});
}

at::Tensor applyLinear(const at::Tensor& x, const core::LinearSpec& linear, const TensorSource& tensors)
{
    const at::ScalarType type = x.scalar_type();
    return at::linear(x, tensors.tensor(linear.weight()).to(type),
                      linear.bias ? tensors.tensor(linear.biasName()).to(type) : at::Tensor());
}

at::Tensor applyNorm(const at::Tensor& x, const core::NormSpec& norm, const TensorSource& tensors)
{
    const auto optional = [&](const std::string& name) { return name.empty() ? at::Tensor() : tensors.tensor(name); };
    return applyNorm(x, norm, optional(norm.weight), optional(norm.bias));
}

} // namespace paretoscope::engine
