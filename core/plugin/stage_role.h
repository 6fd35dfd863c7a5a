// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace paretoscope::core {

/// What a stage does to a weight, as far as the order of stages depends on it (manifest: "role").
enum class StageRole
{
    None,      ///< any order
    Import,    ///< puts other weights in place
    Fold,      ///< moves factors between weights and what comes before them
    Factorise, ///< low rank
    Prune,
    Quantize,
    Tune,        ///< moves codes and values of a form that is there
    Compensate,  ///< adds what makes up for the error
    Activations, ///< quantises what the weight reads
};

/// As manifests spell them.
inline constexpr std::array<std::pair<StageRole, std::string_view>, 8> kStageRoles {{
    {StageRole::Import, "import"},
    {StageRole::Fold, "fold"},
    {StageRole::Factorise, "factorise"},
    {StageRole::Prune, "prune"},
    {StageRole::Quantize, "quantize"},
    {StageRole::Tune, "tune"},
    {StageRole::Compensate, "compensate"},
    {StageRole::Activations, "activations"},
}};

/// A stage on the way to one weight.
struct PlacedStage
{
    StageRole role = StageRole::None;
    std::string name; ///< "gptq"
};

/// Whether `next` may follow `before` on one weight. Errors: InvalidArgument, which says why not and what to do.
Status checkSuccession(std::span<const PlacedStage> before, const PlacedStage& next);

} // namespace paretoscope::core
