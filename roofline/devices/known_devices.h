// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/device_record.h"
#include "core/project/machine_record.h"
#include "roofline/devices/device_list.h"

#include <filesystem>
#include <functional>
#include <span>

namespace paretoscope::roofline {

/// Files in which devices are described.
struct DeviceFiles
{
    std::filesystem::path resources;                 ///< folder of the bundled hardware.csv
    std::filesystem::path own = {};                  ///< the user's file of the same form; need not exist
    std::filesystem::path machines = {};             ///< folder of the user's machine profiles; need not exist
    std::vector<std::filesystem::path> further = {}; ///< named by the user: machine profiles (*.json), others as `own`
};

/// Told of what cannot be read; the devices that can be are known.
using DeviceProblem = std::function<void(const core::Error&)>;

/// What names of devices mean, in every verb and view: bundled ones, then those of the user's files, then machine
/// profiles, each in place of an earlier one of its name. Errors that are told: those of HardwareTable::add and
/// readMachineProfile.
DeviceList devicesOf(const DeviceFiles& files, const DeviceProblem& tell);

/// Adds those that a project keeps, beside the others (DeviceList::add): what a project of somebody else brings never
/// changes what a name means here. Errors that are told: those of deviceOf and MachineProfile::fromJson.
void addProjectDevices(DeviceList& list, std::span<const core::DeviceRecord> devices,
                       std::span<const core::MachineRecord> machines, const DeviceProblem& tell);

/// As a project keeps it: what stands in the columns of hardware.csv, by column.
core::DeviceRecord deviceRecordOf(const HardwareSpec& device);
/// Errors: those of hardwareFromCells, naming the device.
core::Result<HardwareSpec> deviceOf(const core::DeviceRecord& record);

} // namespace paretoscope::roofline
