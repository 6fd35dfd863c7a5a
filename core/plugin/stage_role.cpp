// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/stage_role.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace paretoscope::core {

namespace {

using enum StageRole;

/// `next` must not come after `earlier` on one weight.
struct Forbidden
{
    StageRole earlier;
    StageRole next;
    std::string_view reason; ///< of "NEXT after EARLIER"
    std::string_view remedy;
};

constexpr std::string_view kFirst = "put it before";
constexpr std::string_view kOnce = "exclude this weight from one of them";
constexpr std::string_view kMerges =
    "would have to merge the adapter into the weight, which is then neither sparse nor quantised any more";
constexpr std::string_view kLast = "put the compensation last";
constexpr std::string_view kProduct = "works on whole weights, and the two factors would become one weight again";
constexpr std::string_view kFactorBits =
    "exclude this weight from one of them, or let factor_bits of the low-rank stage round the factors";
constexpr std::string_view kStoresWhole = "would store every weight in 16 bit again";
constexpr std::string_view kLosesMask = "would give pruned weights a value again";

/// After specs pruning_lowrank 18.
constexpr std::array kForbidden {
    Forbidden {Fold, Import, "would undo it", kFirst},
    Forbidden {Factorise, Import, "would undo it", kFirst},
    Forbidden {Prune, Import, "would undo it", kFirst},
    Forbidden {Quantize, Import, "would undo it", kFirst},
    Forbidden {Tune, Import, "would undo it", kFirst},
    Forbidden {Factorise, Fold, kProduct, kFirst},
    Forbidden {Prune, Fold, kStoresWhole, kFirst},
    Forbidden {Quantize, Fold, kStoresWhole, kFirst},
    Forbidden {Factorise, Factorise, "the weight is a low-rank product already", kOnce},
    Forbidden {Prune, Factorise, kLosesMask, kFirst},
    Forbidden {Quantize, Factorise, kStoresWhole, kFirst},
    Forbidden {Factorise, Prune, kProduct, kOnce},
    Forbidden {Quantize, Prune, kStoresWhole, kFirst},
    Forbidden {Factorise, Quantize, kProduct, kFactorBits},
    Forbidden {Quantize, Quantize, "the weight is quantised already", kOnce},
    Forbidden {Activations, Activations, "what the weight reads is quantised already", kOnce},
    Forbidden {Compensate, Import, kMerges, kLast},
    Forbidden {Compensate, Fold, kMerges, kLast},
    Forbidden {Compensate, Factorise, kMerges, kLast},
    Forbidden {Compensate, Prune, kMerges, kLast},
    Forbidden {Compensate, Quantize, kMerges, kLast},
    Forbidden {Compensate, Tune, kMerges, kLast},
    Forbidden {Compensate, Compensate, "the weight has an adapter already", kOnce},
};

bool isAmong(std::span<const PlacedStage> stages, std::initializer_list<StageRole> roles)
{
    return std::any_of(stages.begin(), stages.end(), [&](const PlacedStage& stage) {
        return std::find(roles.begin(), roles.end(), stage.role) != roles.end();
    });
}

} // namespace

Status checkSuccession(std::span<const PlacedStage> before, const PlacedStage& next)
{
    for (const PlacedStage& earlier : before) {
        const auto found = std::find_if(kForbidden.begin(), kForbidden.end(), [&](const Forbidden& rule) {
            return rule.earlier == earlier.role && rule.next == next.role;
        });
        if (found != kForbidden.end())
            return Error {
                ErrorCode::InvalidArgument, next.name + " after " + earlier.name + ": " + std::string(found->reason),
                found->remedy == kFirst ? "put " + next.name + " before " + earlier.name : std::string(found->remedy)};
    }
    if (next.role == Compensate && !isAmong(before, {Factorise, Prune, Quantize}))
        return Error {ErrorCode::InvalidArgument, next.name + ": there is no error to make up for yet",
                      "put it after a stage that prunes or quantises the same weights"};
    if (next.role == Tune && !isAmong(before, {Quantize}))
        return Error {ErrorCode::InvalidArgument, next.name + ": the weight is not quantised yet",
                      "put it after a stage that quantises the same weights"};
    return success();
}

} // namespace paretoscope::core
