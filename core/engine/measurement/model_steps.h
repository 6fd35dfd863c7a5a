// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/measurement/products.h"
#include "core/engine/measurement/surroundings.h"
#include "core/engine/warm_model.h"

namespace paretoscope::engine {

/// The linears of a model, each shape once, the head last.
std::vector<ProductShape> productShapes(const LanguageModel& model);

/// Times prefill and decode as a generation makes them (IncrementalDecoder, then the logits of the last token of each
/// sequence), weights in memory as float32, batch 1 and 8: an array of
///   {"phase": "prefill" | "decode", "batch", "tokens", "at_once", "seconds": core::Repeated,
///    "watched_seconds": core::Repeated, "repeat_change", "entry_seconds", "head_seconds", "blocks": [[[part,
///    seconds]]]}
/// `tokens`: of each sequence, visible after the step. `at_once`: sequences that threads compute at the same time.
/// `seconds`: of steps that nobody watches; `watched_seconds`: of those whose parts (StepRecorder) were timed, turn
/// about with the others. Seconds of a part: median over the steps of the sum over sequences, divided by at_once, so
/// that parts add up to the step. `repeat_change`: how much the second half of the steps differs from the first.
/// Errors: OutOfMemory (the weights as float32 do not fit; says how much is needed); Cancelled; those of decoding.
core::Result<core::Json> measureSteps(const Surroundings& surroundings, const WarmModel& model);

} // namespace paretoscope::engine
