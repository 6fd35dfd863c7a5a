// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/memory_levels.h"

#include <algorithm>

namespace paretoscope::roofline {

std::optional<double> bandwidthOf(MemoryLevel level, const HardwareSpec& hardware)
{
    switch (level) {
    case MemoryLevel::L2:
        return hardware.l2BandwidthBytesPerSecond;
    case MemoryLevel::L1:
        return hardware.l1BandwidthBytesPerSecond;
    case MemoryLevel::Main:
        break;
    }
    return hardware.bandwidthBytesPerSecond > 0 ? std::optional(hardware.bandwidthBytesPerSecond) : std::nullopt;
}

std::string_view memoryLevelName(MemoryLevel level)
{
    static constexpr std::array<std::string_view, kMemoryLevels> kNames {"main", "l2", "l1"};
    return kNames[static_cast<std::size_t>(level)];
}

LevelBytes levelBytes(const Operation& operation)
{
    return {operation.bytes(), std::max(operation.l2Bytes, operation.bytes()), std::nullopt};
}

std::vector<LevelPoint> levelPoints(double flops, double peak, const LevelBytes& bytes, const HardwareSpec& hardware)
{
    std::vector<LevelPoint> points;
    for (std::size_t i = 0; i < kMemoryLevels; ++i) {
        const auto level = static_cast<MemoryLevel>(i);
        const std::optional<double> bandwidth = bandwidthOf(level, hardware);
        if (!bandwidth || !bytes[i] || *bytes[i] <= 0)
            continue;
        const double intensity = flops / *bytes[i];
        points.push_back({level, *bytes[i], intensity, std::min(peak, intensity * *bandwidth)});
    }
    return points;
}

double attainable(double peak, const std::vector<LevelPoint>& points)
{
    double lowest = peak;
    for (const LevelPoint& point : points)
        lowest = std::min(lowest, point.attainable);
    return lowest;
}

} // namespace paretoscope::roofline
