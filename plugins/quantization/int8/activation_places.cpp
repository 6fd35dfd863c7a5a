// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/int8/activation_places.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace paretoscope::int8 {

namespace {

using engine::HookPoint;
using engine::Unit;

constexpr std::array<std::pair<std::string_view, HookPoint>, 16> kPoints {{
    {"attention.query", HookPoint::AttentionInput},
    {"attention.key", HookPoint::AttentionInput},
    {"attention.value", HookPoint::AttentionInput},
    {"attention.qkv", HookPoint::AttentionInput},
    {"attention.query_down", HookPoint::AttentionInput},
    {"attention.key_value_down", HookPoint::AttentionInput},
    {"attention.output", HookPoint::AttentionOutput},
    {"mlp.gate", HookPoint::MlpInput},
    {"mlp.up", HookPoint::MlpInput},
    {"mlp.gate_up", HookPoint::MlpInput},
    {"mlp.down", HookPoint::MlpHidden},
    {"moe.shared.down", HookPoint::MlpHidden},
    {"moe.expert.gate", HookPoint::ExpertInput},
    {"moe.expert.up", HookPoint::ExpertInput},
    {"moe.expert.gate_up", HookPoint::ExpertInput},
    {"moe.expert.down", HookPoint::ExpertHidden},
}};

/// Whether the query of this block is made from a compressed one, which passes no place.
bool hasCompressedQuery(const engine::ModelView& model, int block)
{
    return std::any_of(model.units.begin(), model.units.end(),
                       [&](const Unit& unit) { return unit.block == block && unit.role == "attention.query_down"; });
}

std::optional<HookPoint> pointOf(const engine::ModelView& model, const Unit& unit)
{
    if (unit.role == "attention.query" && hasCompressedQuery(model, unit.block))
        return std::nullopt;
    const auto found =
        std::find_if(kPoints.begin(), kPoints.end(), [&](const auto& entry) { return entry.first == unit.role; });
    return found == kPoints.end() ? std::nullopt : std::optional(found->second);
}

} // namespace

core::Result<std::map<Place, std::string>> placesOf(const engine::ModelView& model,
                                                    const std::vector<std::size_t>& selected)
{
    std::map<Place, std::string> places;
    for (const std::size_t index : selected) {
        const Unit& unit = model.units[index];
        if (const auto point = pointOf(model, unit))
            places.emplace(Place {*point, unit.block, unit.expert}, unit.input);
    }
    std::set<std::string_view> inputs;
    for (const auto& [place, input] : places)
        inputs.insert(input);
    for (std::size_t i = 0; i < model.units.size(); ++i) {
        if (inputs.contains(model.units[i].input) && !std::binary_search(selected.begin(), selected.end(), i))
            return core::Error {core::ErrorCode::InvalidArgument,
                                model.units[i].module +
                                    " is left out, but reads the same activations as layers that are quantised",
                                "include or exclude all layers that read one input, or choose activations: none"};
    }
    return places;
}

} // namespace paretoscope::int8
