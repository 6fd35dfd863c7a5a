// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/measurement/surroundings.h"

namespace paretoscope::engine {

/// The rates of this device, each by one thread and by all: an array of
///   {"name", "threads", "work", "unit": "B" | "FLOP" | "call", "seconds": core::Repeated, "size"}
/// `work` is what one call does: bytes moved, FLOPs, or one call. Names: dram_read, dram_copy, dram_triad (stores count
/// twice on a CPU, which reads what it writes first); last_cache_read, core_cache_read, vector_multiply_add and, by all
/// threads alone, read_multiply_add_0 to _64 (CPU; so many multiply-adds per element that is read, `size` bytes);
/// matrix_float32 and those of other types, at the best size; dispatch (an operator on one number). A type that the
/// device has no product for is left out. Errors: Cancelled; OutOfMemory.
core::Result<core::Json> measureCeilings(const Surroundings& surroundings);

} // namespace paretoscope::engine
