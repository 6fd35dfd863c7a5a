// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_spec.h"
#include "roofline/operations/operation.h"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

/// The hierarchical roofline (Yang, arXiv 2009.02449): one roof and one intensity per level of the memory. All points
/// of a kernel are as high, and the lowest of its roofs is what it can attain.
namespace paretoscope::roofline {

enum class MemoryLevel
{
    Main,
    L2,
    L1,
};
inline constexpr std::size_t kMemoryLevels = 3;
std::string_view memoryLevelName(MemoryLevel level); ///< "main"
/// Bytes per second; nothing where the device does not state it.
std::optional<double> bandwidthOf(MemoryLevel level, const HardwareSpec& hardware);

/// What moved at each level; nothing where it is not known.
using LevelBytes = std::array<std::optional<double>, kMemoryLevels>;

/// Of an operation: main memory and L2 (blocks of matrix products and attention come back to it); what its kernel reads
/// from L1 is not counted.
LevelBytes levelBytes(const Operation& operation);

/// A kernel at one level.
struct LevelPoint
{
    MemoryLevel level = MemoryLevel::Main;
    double bytes = 0;
    double intensity = 0;  ///< FLOPs per byte
    double attainable = 0; ///< FLOPs per second: min(peak, intensity · bandwidth of the level)
};

/// Of the levels whose bytes are known and whose bandwidth the device states. @param peak FLOPs per second
std::vector<LevelPoint> levelPoints(double flops, double peak, const LevelBytes& bytes, const HardwareSpec& hardware);

/// The lowest of the roofs; the peak without a level.
double attainable(double peak, const std::vector<LevelPoint>& points);

} // namespace paretoscope::roofline
