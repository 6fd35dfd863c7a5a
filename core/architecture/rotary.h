// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <vector>

namespace paretoscope::core {

enum class RotaryStyle
{
    HalfSplit,   ///< pairs (i, i + d/2)
    Interleaved, ///< pairs (2i, 2i + 1)
};

/// Rotation of the first `dimension()` channels of every head; the others pass unchanged.
struct RotarySpec
{
    RotaryStyle style = RotaryStyle::HalfSplit;
    std::vector<double> inverseFrequencies; ///< angle per position of every pair, scaling applied
    double amplitude = 1.0;                 ///< factor on cos and sin

    /// longrope: sequences of more than `longAbove` tokens use these angles instead; empty: one set for all lengths.
    std::vector<double> longInverseFrequencies;
    std::int64_t longAbove = 0;

    int dimension() const { return static_cast<int>(inverseFrequencies.size()) * 2; }
};

/// What `rotarySpec` needs to know besides the scaling.
struct RotaryBase
{
    int dimension = 0; ///< rotated channels of a head, even
    double theta = 10000;
    std::int64_t maxPositions = 0;      ///< of the configuration; 0: not stated
    std::int64_t originalPositions = 0; ///< before the context was extended, where stated outside `scaling`; 0: not
};

/// Angles theta^(-2i/d), scaled as `scaling` (the value of rope_scaling or rope_parameters; null = none) says. Knows
/// the types default, linear, llama3, yarn and longrope; formulas: those of the models' published code.
/// Errors: Unsupported (another type or a setting that is not known, named), Corrupt (a setting is missing or wrong).
Result<RotarySpec> rotarySpec(const RotaryBase& base, const Json& scaling);

} // namespace paretoscope::core
