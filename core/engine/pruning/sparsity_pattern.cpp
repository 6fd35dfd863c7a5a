// SPDX-License-Identifier: Apache-2.0
#include "core/engine/pruning/sparsity_pattern.h"

#include "core/engine/pruning/mask_selection.h"
#include "core/engine/stage/unit_selection.h"

#include <cstdlib>

namespace paretoscope::engine {

core::Result<SparsityPattern> SparsityPattern::fromParameters(const core::Json& parameters)
{
    SparsityPattern pattern;
    pattern.sparsity = parameters.value("sparsity", pattern.sparsity);
    const std::string text = parameters.value("pattern", "unstructured");
    if (const std::size_t colon = text.find(':'); colon != std::string::npos) {
        pattern.keep = std::atoll(text.c_str());
        pattern.of = std::atoll(text.c_str() + colon + 1);
    }
    pattern.channels = text == "channel";
    const std::string scope = parameters.value("scope", "layer");
    pattern.scope = scope == "row" ? PruningScope::Row : scope == "global" ? PruningScope::Global : PruningScope::Layer;
    if (pattern.channels && pattern.scope != PruningScope::Layer)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "scope " + scope + ": the pattern channel compares the rows of a layer with each other",
                            "leave out scope, or use the pattern unstructured"};
    if (pattern.isNOfM() && pattern.scope == PruningScope::Global)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "scope global: the pattern " + text + " compares within groups of " +
                                std::to_string(pattern.of) + " weights",
                            "leave out scope, or use the pattern unstructured"};
    return pattern;
}

std::string SparsityPattern::text() const
{
    if (isNOfM())
        return std::to_string(keep) + ':' + std::to_string(of);
    return channels ? "channel" : "unstructured";
}

core::Result<std::vector<std::size_t>> SparsityPattern::targets(const ModelView& model,
                                                                const core::Json& parameters) const
{
    PSC_ASSIGN(std::vector<std::size_t> selected, selectUnits(model, parameters));
    if (!isNOfM())
        return selected;
    const auto isIndivisible = [&](std::size_t target) { return model.units[target].inFeatures % of != 0; };
    if (!parameters.value("skip_indivisible", false)) {
        for (const std::size_t target : selected) {
            const Unit& unit = model.units[target];
            if (isIndivisible(target))
                return core::Error {core::ErrorCode::InvalidArgument,
                                    unit.module + ": its " + std::to_string(unit.inFeatures) +
                                        " inputs do not divide into groups of " + std::to_string(of) +
                                        ", which the pattern " + text() + " needs",
                                    "set skip_indivisible, exclude this module, or choose another pattern"};
        }
    }
    std::erase_if(selected, isIndivisible);
    if (selected.empty())
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the pattern " + text() + " divides the inputs of no selected layer",
                            "choose another pattern"};
    return selected;
}

at::Tensor SparsityPattern::maskOf(const at::Tensor& scores) const
{
    if (isNOfM())
        return keepLargestOfGroups(scores, keep, of);
    if (channels) {
        const at::Tensor norms = scores.square().sum(1).sqrt();
        return dropSmallest(norms, sparsity).unsqueeze(1).expand(scores.sizes()).contiguous();
    }
    return scope == PruningScope::Row ? dropSmallestOfRows(scores, sparsity) : dropSmallest(scores, sparsity);
}

} // namespace paretoscope::engine
