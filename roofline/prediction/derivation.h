// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/prediction/ceilings.h"
#include "roofline/prediction/generation.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

/// How a number comes about.
struct Derivation
{
    std::string_view quantity = {}; ///< "matrix_flops", "bytes", "time", …
    std::string formula = {};       ///< in the symbols of docs/roofline.md
    std::string inputs = {};        ///< the same with its numbers, in base units; empty: the formula says all
    double value = 0;
    std::string_view unit = {}; ///< "FLOP", "B", "s", "FLOP/B", "FLOP/s"; empty: a share
};

/// The peak that an operation is held against: of the type of its matrix products, else of fp32. 0: none is known.
double peakFor(const Operation& operation, const Ceilings& ceilings, const HardwareSpec& hardware);

/// FLOPs, bytes, intensity, time, what bounds it, performance and the shares of peak and bandwidth that it reaches.
std::vector<Derivation> derivationsOf(const Operation& operation, const Timing& timing, const Ceilings& ceilings,
                                      const HardwareSpec& hardware);

/// Times, rate, memory and energy of a whole answer.
std::vector<Derivation> derivationsOf(const GenerationPrediction& prediction, const Request& request);

std::string plainNumber(double value); ///< four significant digits: "1.342e+08"

} // namespace paretoscope::roofline
