// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/components.h"

#include <string>

namespace paretoscope::engine {

namespace {

std::string nested(std::string_view component, const std::string& part)
{
    return std::string(component) + '/' + part;
}

} // namespace

std::vector<StoredPart> storedPartsOf(const Components& components)
{
    std::vector<StoredPart> parts;
    for (const auto& [name, tensor] : components) {
        for (StoredPart& part : tensor->storedParts())
            parts.push_back({nested(name, part.name), part.bits, part.storage});
    }
    return parts;
}

TensorParts partsOf(const Components& components)
{
    TensorParts parts;
    for (const auto& [name, tensor] : components) {
        for (auto& [part, value] : tensor->serialise())
            parts.emplace_back(nested(name, part), std::move(value));
    }
    return parts;
}

core::Json descriptionOf(const Components& components)
{
    core::Json description = core::Json::object();
    for (const auto& [name, tensor] : components)
        description[std::string(name)] = {{"layout", tensor->layout()}, {"description", tensor->description()}};
    return description;
}

ReadTensor readComponent(std::string_view name, const core::Json& description, const TensorParts& parts,
                         const TensorLayouts& layouts)
{
    const std::string prefix = nested(name, {});
    TensorParts own;
    for (const auto& [part, value] : parts) {
        if (part.starts_with(prefix))
            own.emplace_back(part.substr(prefix.size()), value);
    }
    const core::Json& told = description.at(name);
    return layouts.read(told.at("layout").get<std::string>(), told.at("description"), own);
}

} // namespace paretoscope::engine
