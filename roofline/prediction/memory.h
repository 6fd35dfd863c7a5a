// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_spec.h"
#include "roofline/operations/step_operations.h"

#include <cstdint>
#include <optional>

namespace paretoscope::roofline {

/// What a device must hold, in bytes.
struct MemoryNeed
{
    double weights = 0; ///< every parameter of this device, all experts included
    double cache = 0;
    double activations = 0; ///< the most that is alive at once in the prefill, logits included
    double overhead = 0;    ///< of driver and libraries

    double total() const { return weights + cache + activations + overhead; }
};

/// How long and how many.
struct Request
{
    double batch = 1;
    double prompt = 1;
    double generated = 1; ///< tokens; the prefill yields the first
};

inline constexpr double kDefaultOverheadBytes = 0.6e9;

/// Bytes of the stored weights on the fullest device.
double weightBytes(const ModelShape& model, const Execution& execution);
/// Bytes of keys, values and states of one sequence of `tokens` tokens on one device.
double cacheBytes(const ModelShape& model, const Execution& execution, double tokens);

/// Errors: those of stepOperations().
core::Result<MemoryNeed> memoryNeed(const ModelShape& model, const Execution& execution, const Request& request,
                                    double overheadBytes = kDefaultOverheadBytes);

/// The largest batch (or number of prompt tokens) with which the need is at most `limitBytes`; 0: not even one.
core::Result<std::int64_t> largestBatch(const ModelShape& model, const Execution& execution, Request request,
                                        double limitBytes, double overheadBytes = kDefaultOverheadBytes);
core::Result<std::int64_t> longestPrompt(const ModelShape& model, const Execution& execution, Request request,
                                         double limitBytes, double overheadBytes = kDefaultOverheadBytes);

} // namespace paretoscope::roofline
