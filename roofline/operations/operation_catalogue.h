// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace paretoscope::roofline {

/// What an operation is part of; sums of time and bytes are told by it.
enum class OperationKind : std::uint8_t
{
    Projection,  ///< linears before and behind attention
    Attention,   ///< with rotation and cache
    FeedForward, ///< MLPs, experts, router
    Elementwise, ///< norms, sums, rounding
    Vocabulary,  ///< embedding and head
    Communication,
};
inline constexpr std::size_t kOperationKinds = 6;

/// The formulas behind an operation of the accurate mode, in the symbols of docs/roofline.md. Empty: nothing of it.
struct OperationNote
{
    std::string_view name = {};
    OperationKind kind = OperationKind::Elementwise;
    std::string_view matrixFlops = {};
    std::string_view vectorFlops = {};
    std::string_view bytes = {};
};

/// By the name of an operation; nullptr for one that nothing is known of.
const OperationNote* noteOf(std::string_view operation);

} // namespace paretoscope::roofline
