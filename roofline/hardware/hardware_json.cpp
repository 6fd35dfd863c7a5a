// SPDX-License-Identifier: Apache-2.0
#include "roofline/hardware/hardware_json.h"

#include "core/base/optional_json.h"

namespace paretoscope::roofline {

core::Json hardwareJson(const HardwareSpec& device)
{
    core::Json peaks = core::Json::object();
    for (std::size_t i = 0; i < kNumberTypes; ++i) {
        const auto type = static_cast<NumberType>(i);
        peaks[std::string(numberTypeName(type))] = core::orNull(device.peak(type));
    }
    return {{"name", device.name},
            {"vendor", device.vendor},
            {"kind", device.kind},
            {"bandwidth_bytes_per_second", device.bandwidthBytesPerSecond},
            {"memory_bytes", core::orNull(device.memoryBytes)},
            {"peak_operations_per_second", peaks},
            {"sparse_2_4", device.sparse24},
            {"onchip_buffer_bytes", core::orNull(device.onchipBufferBytes)},
            {"interconnect_bytes_per_second", core::orNull(device.interconnectBytesPerSecond)},
            {"tdp_watts", core::orNull(device.tdpWatts)},
            {"l2_bytes", core::orNull(device.l2Bytes)},
            {"l2_bandwidth_bytes_per_second", core::orNull(device.l2BandwidthBytesPerSecond)},
            {"l1_bandwidth_bytes_per_second", core::orNull(device.l1BandwidthBytesPerSecond)},
            {"processors", core::orNull(device.processors)},
            {"year", core::orNull(device.year)},
            {"source", device.source}};
}

} // namespace paretoscope::roofline
