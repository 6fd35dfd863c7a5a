// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace paretoscope::core {

enum class RotaryStyle
{
    HalfSplit,   ///< pairs (i, i + d/2)
    Interleaved, ///< pairs (2i, 2i + 1)
};

/// What the tokens of one sequence are rotated with.
struct RotaryAngles
{
    std::vector<double> inverseFrequencies; ///< angle per position of every pair, scaling applied
    double amplitude = 1.0;                 ///< factor on cos and sin

    bool operator==(const RotaryAngles&) const = default;
};

/// dynamic (NTK-aware): in a sequence of T > L = alikeUpTo tokens theta grows by
/// (factor * T / L - (factor - 1))^(d / (d - 2)), d the rotated channels.
struct DynamicTheta
{
    double theta = 0;
    double factor = 1;
};

/// Rotation of the first `dimension()` channels of every head; the others pass unchanged.
struct RotarySpec
{
    RotaryStyle style = RotaryStyle::HalfSplit;
    RotaryAngles angles;
    /// Sequences of more tokens are rotated otherwise, as one of the next two members says; 0: all alike.
    std::int64_t alikeUpTo = 0;
    std::optional<RotaryAngles> longer = std::nullopt;  ///< longrope: all longer sequences alike
    std::optional<DynamicTheta> dynamic = std::nullopt; ///< every length by itself

    int dimension() const { return static_cast<int>(angles.inverseFrequencies.size()) * 2; }
    /// @param length of the whole sequence, in tokens
    RotaryAngles anglesFor(std::int64_t length) const;
    bool hasAnglesOfItsOwn(std::int64_t length) const { return dynamic && length > alikeUpTo; }
};

/// What `rotarySpec` needs to know besides the scaling.
struct RotaryBase
{
    int dimension = 0; ///< rotated channels of a head, even
    double theta = 10000;
    std::int64_t maxPositions = 0;      ///< of the configuration; 0: not stated
    std::int64_t originalPositions = 0; ///< before the context was extended, where stated outside `scaling`; 0: not
    /// longrope states its factors on cos and sin, short_mscale and long_mscale, as Phi-3.5-MoE; no other scaling does.
    bool amplitudeByLength = false;
};

/// Angles theta^(-2i/d), scaled as `scaling` (the value of rope_scaling or rope_parameters; null = none) says. Knows
/// the types default, linear, dynamic, llama3, yarn and longrope; formulas: those of the models' published code.
/// Errors: Unsupported (another type or a setting that is not known, named), Corrupt (a setting is missing or wrong).
Result<RotarySpec> rotarySpec(const RotaryBase& base, const Json& scaling);

} // namespace paretoscope::core
