// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/sum_tensor.h"

namespace paretoscope::engine {

namespace {

constexpr std::string_view kBase = "base";
constexpr std::string_view kAddition = "addition";

} // namespace

Components SumTensor::named() const
{
    return {{kBase, m_base.get()}, {kAddition, m_addition.get()}};
}

ReadTensor SumTensor::fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts)
{
    PSC_ASSIGN(std::shared_ptr<const CompressedTensor> base, readComponent(kBase, description, parts, layouts));
    PSC_ASSIGN(std::shared_ptr<const CompressedTensor> addition, readComponent(kAddition, description, parts, layouts));
    if (base->dequantize().sizes() != addition->dequantize().sizes())
        return damagedParts(kLayout);
    return std::shared_ptr<const CompressedTensor>(std::make_shared<SumTensor>(std::move(base), std::move(addition)));
}

} // namespace paretoscope::engine
