// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/pipeline_space.h"

#include <string>

namespace paretoscope::core {

/// A choice of `entry` as a sweep file has it, in YAML's flow style: [2, 3], {from: 0.01, to: 0.1, log: true},
/// {values: [none, mse], when: {bits: [2, 3]}}.
std::string choiceText(const ParameterChoice& choice, const PipelineSpace& entry);

} // namespace paretoscope::core
