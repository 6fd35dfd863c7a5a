// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::roofline {

/// A number type that a device has a peak rate for.
enum class NumberType
{
    Fp64,
    Fp32,
    Tf32,
    Bf16,
    Fp16,
    Fp8,
    Int8,
    Fp4,
    Int4,
};
inline constexpr std::size_t kNumberTypes = 9;

std::string_view numberTypeName(NumberType type); ///< "bf16"

/// What a device can do at best, as its maker states it. SI units; nothing where it is not known.
struct HardwareSpec
{
    std::string name;
    std::string vendor;
    std::string kind;                                      ///< "gpu", "cpu" or "npu"
    std::array<std::optional<double>, kNumberTypes> peaks; ///< dense operations per second, by NumberType
    double bandwidthBytesPerSecond = 0;                    ///< of the main memory
    std::optional<double> memoryBytes;
    bool sparse24 = false;                            ///< twice the rate for 2:4 sparse weights
    std::optional<double> onchipBufferBytes;          ///< LLM-Viewer's notion: register file, or L3 of a CPU
    std::optional<double> interconnectBytesPerSecond; ///< both directions together
    std::optional<double> tdpWatts;
    std::optional<double> l2Bytes;
    std::optional<double> l2BandwidthBytesPerSecond;
    std::optional<double> l1BandwidthBytesPerSecond;
    std::optional<int> processors; ///< streaming multiprocessors, compute units, cores
    std::optional<int> year;
    std::string source;

    const std::optional<double>& peak(NumberType type) const { return peaks[static_cast<std::size_t>(type)]; }
    std::optional<double>& peak(NumberType type) { return peaks[static_cast<std::size_t>(type)]; }
    /// OPs per byte at which a matrix product of this type stops being bound by memory; nothing without a peak.
    std::optional<double> ridgePoint(NumberType type) const;
};

} // namespace paretoscope::roofline
