// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/device_record.h"
#include "roofline/hardware/hardware_table.h"
#include "roofline/measured/machine_profile.h"

#include <memory>
#include <string>
#include <vector>

namespace paretoscope::views {

enum class DeviceOrigin
{
    Bundled,
    Own,           ///< hardware.csv in the settings folder
    Machine,       ///< a machine profile in the settings folder
    Project,       ///< described in the project
    ProjectMachine ///< a machine profile of the project
};

/// A device that can be chosen. Its name is unique: one of a project whose name is taken by another is called
/// "NAME (project)".
struct RooflineDevice
{
    roofline::HardwareSpec spec;
    DeviceOrigin origin = DeviceOrigin::Bundled;
    std::string keptName = {};                                    ///< where it comes from
    std::shared_ptr<const roofline::MachineProfile> machine = {}; ///< null: not measured
};

/// Devices by their names, upper and lower case counting as equal.
class DeviceList
{
public:
    /// Takes the place of one of this name.
    void put(RooflineDevice device);
    /// Left out where an equal one is there; beside another one of its name it gets a name of its own.
    void add(RooflineDevice device);

    const std::vector<RooflineDevice>& all() const { return m_devices; }
    const RooflineDevice* find(std::string_view name) const; ///< null: there is none

private:
    std::vector<RooflineDevice> m_devices;
};

/// What stands in the columns of hardware.csv, by column.
core::DeviceRecord deviceRecordOf(const roofline::HardwareSpec& device);
/// Errors: those of roofline::hardwareFromCells.
core::Result<roofline::HardwareSpec> deviceOf(const core::DeviceRecord& record);

} // namespace paretoscope::views
