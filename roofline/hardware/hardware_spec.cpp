// SPDX-License-Identifier: Apache-2.0
#include "roofline/hardware/hardware_spec.h"

namespace paretoscope::roofline {

std::string_view numberTypeName(NumberType type)
{
    static constexpr std::array<std::string_view, kNumberTypes> kNames {"fp64", "fp32", "tf32", "bf16", "fp16",
                                                                        "fp8",  "int8", "fp4",  "int4"};
    return kNames[static_cast<std::size_t>(type)];
}

std::optional<double> HardwareSpec::ridgePoint(NumberType type) const
{
    const std::optional<double>& rate = peak(type);
    return rate ? std::optional(*rate / bandwidthBytesPerSecond) : std::nullopt;
}

} // namespace paretoscope::roofline
