// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/measurement/surroundings.h"
#include "core/engine/warm_model.h"

#include <string>

namespace paretoscope::engine {

/// Measures what this device can do and, with a model, how long its steps and their parts take:
///   {"device": describeDevice(), "threads", "quick", "build", "caches": {"core_bytes", "last_bytes"},
///    "conditions": {"before", "after"}, "rounds": [measureCeilings() twice], "products": measureProducts(),
///    "model": null | {"name", "sha256", "config", "execution": {...}, "steps": measureSteps()}}
/// `execution` says what the forward pass is: bits of weights, activations and cache, and the attention kernel.
/// @param model null: none. Errors: Cancelled, OutOfMemory, those of measureSteps().
core::Result<core::Json> measureMachine(const Surroundings& surroundings, const std::string& deviceId,
                                        const WarmModel* model);

} // namespace paretoscope::engine
