// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_spec.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

/// Devices, as in resources/hardware.csv and the user's own files of the same form. What a name means to the user says
/// roofline/devices/known_devices.h.
///
/// A file is CSV with a line of column names: name and bandwidth_GBps, and any of vendor, kind, memory_GB,
/// fp64_TFLOPS … fp16_TFLOPS, fp8_TFLOPS, int8_TOPS, fp4_TFLOPS, int4_TOPS, sparse_2_4, onchip_buffer_KB,
/// interconnect_GBps, TDP_W, l2_MB, l2_bandwidth_GBps, l1_bandwidth_GBps, processors, year, source. Prefixes are powers
/// of ten, rates are dense, an empty cell means "not known".
class HardwareTable
{
public:
    /// The devices of one file. Errors: those of core::readTextFile and add().
    static core::Result<HardwareTable> read(const std::filesystem::path& file);

    /// Reads the rows of `csv`; a name that is known already is replaced. Errors: Corrupt, naming file, line, column
    /// and value: not CSV, an unknown column, no name, no bandwidth, a name twice in this file, a value that is no
    /// number, not above zero, or beyond everything that was ever built.
    core::Status add(std::string_view csv, std::string_view file);

    /// Replaces the device of this name.
    void put(HardwareSpec device);

    const std::vector<HardwareSpec>& all() const { return m_devices; }
    /// Upper and lower case count as equal. Errors: NotFound, with the near name.
    core::Result<const HardwareSpec*> find(std::string_view name) const;

private:
    std::vector<HardwareSpec> m_devices;
};

bool isSameDeviceName(std::string_view a, std::string_view b); ///< upper and lower case count as equal
std::vector<std::string> hardwareColumns();                    ///< of a file, in the order they are written
/// What stands in a column of a file for `device`, in the unit that the column names; empty where it is not known.
std::string hardwareCell(const HardwareSpec& device, std::string_view column);
/// A device from what stands in such columns. Errors: as HardwareTable::add(), for one device.
core::Result<HardwareSpec> hardwareFromCells(const std::map<std::string, std::string>& cells);
/// A file that HardwareTable::add() reads back to equal devices.
std::string hardwareCsv(const std::vector<HardwareSpec>& devices);

} // namespace paretoscope::roofline
