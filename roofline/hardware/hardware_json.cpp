// SPDX-License-Identifier: Apache-2.0
#include "roofline/hardware/hardware_json.h"

namespace paretoscope::roofline {

namespace {

template <typename T>
core::Json orNull(const std::optional<T>& value)
{
    return value ? core::Json(*value) : core::Json(nullptr);
}

} // namespace

core::Json hardwareJson(const HardwareSpec& device)
{
    core::Json peaks = core::Json::object();
    for (std::size_t i = 0; i < kNumberTypes; ++i) {
        const auto type = static_cast<NumberType>(i);
        peaks[std::string(numberTypeName(type))] = orNull(device.peak(type));
    }
    return {{"name", device.name},
            {"vendor", device.vendor},
            {"kind", device.kind},
            {"bandwidth_bytes_per_second", device.bandwidthBytesPerSecond},
            {"memory_bytes", orNull(device.memoryBytes)},
            {"peak_operations_per_second", peaks},
            {"sparse_2_4", device.sparse24},
            {"onchip_buffer_bytes", orNull(device.onchipBufferBytes)},
            {"interconnect_bytes_per_second", orNull(device.interconnectBytesPerSecond)},
            {"tdp_watts", orNull(device.tdpWatts)},
            {"l2_bytes", orNull(device.l2Bytes)},
            {"l2_bandwidth_bytes_per_second", orNull(device.l2BandwidthBytesPerSecond)},
            {"l1_bandwidth_bytes_per_second", orNull(device.l1BandwidthBytesPerSecond)},
            {"processors", orNull(device.processors)},
            {"year", orNull(device.year)},
            {"source", device.source}};
}

} // namespace paretoscope::roofline
