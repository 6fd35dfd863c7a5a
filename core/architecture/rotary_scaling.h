// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <vector>

namespace paretoscope::core {

/// Angles per position of the `dimension`/2 rotary pairs: theta^(-2i/d), then scaled as `scaling` (the value of
/// rope_scaling or rope_parameters; null = none) says. Knows the types default, linear and llama3; formulas: those of
/// the models' published code. Errors: Unsupported (another type, named), Corrupt (a key of it is missing).
Result<std::vector<double>> rotaryInverseFrequencies(int dimension, double theta, const Json& scaling);

} // namespace paretoscope::core
