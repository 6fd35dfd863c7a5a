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
    double chunk = 0;     ///< tokens of the prompt that one pass computes; 0: all

    bool isChunked() const { return chunk > 0 && chunk < prompt; }
};

inline constexpr double kDefaultOverheadBytes = 0.6e9;

/// Bytes of the stored weights on the fullest device.
double weightBytes(const ModelShape& model, const Execution& execution);
/// Bytes of keys, values and states of one sequence of `tokens` tokens on one device.
double cacheBytes(const ModelShape& model, const Execution& execution, double tokens);

/// Errors: those of stepOperations().
core::Result<MemoryNeed> memoryNeed(const ModelShape& model, const Execution& execution, const Request& request,
                                    double overheadBytes = kDefaultOverheadBytes);
/// The same, with the operations of the largest pass over the prompt at hand.
MemoryNeed memoryNeed(const StepOperations& pass, const ModelShape& model, const Execution& execution,
                      const Request& request, double overheadBytes = kDefaultOverheadBytes);

/// A model that the device cannot hold, with the rest of it behind a slower link (host memory).
struct Offload
{
    double outsideBytes = 0;
    double bytesPerSecond = 0; ///< of all its memory together, when every byte of it is read once
};
/// The part inside is read at the bandwidth of the device while the part outside comes over the link: of both the
/// slower (the effective bandwidth of GenZ, arXiv 2406.01698). Nothing where the need fits or the memory is not known.
std::optional<Offload> offload(double needBytes, const HardwareSpec& hardware, double linkBytesPerSecond);

/// The largest batch (or number of prompt tokens) with which the need is at most `limitBytes`; 0: not even one.
core::Result<std::int64_t> largestBatch(const ModelShape& model, const Execution& execution, Request request,
                                        double limitBytes, double overheadBytes = kDefaultOverheadBytes);
core::Result<std::int64_t> longestPrompt(const ModelShape& model, const Execution& execution, Request request,
                                         double limitBytes, double overheadBytes = kDefaultOverheadBytes);

} // namespace paretoscope::roofline
