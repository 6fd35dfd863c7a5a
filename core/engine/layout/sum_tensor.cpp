// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/sum_tensor.h"

#include <string>

namespace paretoscope::engine {

namespace {

constexpr std::string_view kBase = "base";
constexpr std::string_view kAddition = "addition";

std::string nested(std::string_view component, const std::string& part)
{
    return std::string(component) + '/' + part;
}

core::Json described(const CompressedTensor& component)
{
    return {{"layout", component.layout()}, {"description", component.description()}};
}

ReadTensor readComponent(std::string_view component, const core::Json& description, const TensorParts& parts,
                         const TensorLayouts& layouts)
{
    const std::string prefix = nested(component, {});
    TensorParts own;
    for (const auto& [name, part] : parts) {
        if (name.starts_with(prefix))
            own.emplace_back(name.substr(prefix.size()), part);
    }
    const core::Json& told = description.at(component);
    return layouts.read(told.at("layout").get<std::string>(), told.at("description"), own);
}

} // namespace

std::vector<StoredPart> SumTensor::storedParts() const
{
    std::vector<StoredPart> parts;
    for (const auto& [component, tensor] : {std::pair(kBase, m_base.get()), std::pair(kAddition, m_addition.get())}) {
        for (StoredPart part : tensor->storedParts()) {
            part.name = nested(component, part.name);
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

std::vector<std::pair<std::string, at::Tensor>> SumTensor::serialise() const
{
    TensorParts parts;
    for (const auto& [component, tensor] : {std::pair(kBase, m_base.get()), std::pair(kAddition, m_addition.get())}) {
        for (auto& [name, part] : tensor->serialise())
            parts.emplace_back(nested(component, name), std::move(part));
    }
    return parts;
}

core::Json SumTensor::description() const
{
    return {{kBase, described(*m_base)}, {kAddition, described(*m_addition)}};
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
