// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/hooks.h"
#include "core/engine/plugin/unit.h"

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace paretoscope::int8 {

/// Where activations pass before the layers that read them.
struct Place
{
    engine::HookPoint point = engine::HookPoint::AttentionInput;
    int block = 0;
    int expert = -1;
    auto operator<=>(const Place&) const = default;
};

/// The places whose activations only `selected` units read, with the name of that activation (Unit::input). Nothing is
/// quantised where a router reads along, or where a value has no place of its own (inside latent attention).
/// Errors: InvalidArgument (a layer is left out that reads what a selected one reads).
core::Result<std::map<Place, std::string>> placesOf(const engine::ModelView& model,
                                                    const std::vector<std::size_t>& selected);

} // namespace paretoscope::int8
