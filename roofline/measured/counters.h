// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "roofline/prediction/memory_levels.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

/// What a profiler counted of the kernels of one NVTX range, or of one name where there are no ranges; sums.
struct CountedRange
{
    std::string name;
    int kernels = 0;
    double seconds = 0;
    double vectorFlops = 0;
    double tensorFlops = 0;
    LevelBytes bytes = {};

    double flops() const { return vectorFlops + tensorFlops; }
};

struct Counters
{
    std::vector<CountedRange> ranges = {}; ///< in the order in which they began
    /// FLOPs of tensor units were computed from instructions, at `tensorFlopsPerInstruction` each.
    bool isFromInstructions = false;
};

/// FLOPs of one instruction of the tensor units, which differ between generations: those of a V100.
inline constexpr double kTensorFlopsPerInstruction = 512;

/// Reads what Nsight Compute wrote (`ncu --csv`, with --page raw or without). FLOPs are add + mul + 2 fma of
/// sm(sp)__sass_thread_inst_executed_op_{h,f,d}*_pred_on.sum; of the tensor units sm__ops_path_tensor_*.sum, without
/// these sm__inst_executed_pipe_tensor*.sum times FLOPs per instruction; bytes dram__bytes.sum, lts__t_bytes.sum,
/// l1tex__t_bytes.sum; time gpu__time_duration.sum (Yang, arXiv 2009.02449).
/// @param what name of the text in messages. Errors: Corrupt (no such table, a cell is no number, an unknown unit, no
/// time, no bytes).
core::Result<Counters> readCounters(std::string_view text, std::string_view what,
                                    double tensorFlopsPerInstruction = kTensorFlopsPerInstruction);

/// What a range reached of the lowest of its roofs: the rate of the device (of 16-bit products where tensor units
/// worked, else of fp32), and of every level bandwidth times FLOPs per byte. Nothing where the device states no rate.
std::optional<double> shareOfRoof(const CountedRange& range, const HardwareSpec& hardware);

} // namespace paretoscope::roofline
