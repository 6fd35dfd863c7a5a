// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_table.h"
#include "roofline/measured/machine_profile.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

/// Where a device is described.
enum class DeviceOrigin
{
    Bundled,
    Own,           ///< a file of the form of hardware.csv: the one in the settings folder, or one that was named
    Machine,       ///< a machine profile: one in the settings folder, or one that was named
    Project,       ///< described in the project
    ProjectMachine ///< a machine profile of the project
};

/// A device that can be chosen by its name, spec.name.
struct Device
{
    HardwareSpec spec = {};
    DeviceOrigin origin = DeviceOrigin::Bundled;
    std::string keptName = {};                          ///< where it comes from
    std::shared_ptr<const MachineProfile> machine = {}; ///< null: not measured
};

/// Devices by their names, upper and lower case counting as equal.
class DeviceList
{
public:
    /// Takes the place of one of this name.
    void put(Device device);
    /// One of a project: left out where an equal one is there; beside another one of its name it is called
    /// "NAME (project)".
    void add(Device device);

    const std::vector<Device>& all() const { return m_devices; }
    const Device* find(std::string_view name) const; ///< null: there is none
    HardwareTable table() const;                     ///< of all, in this order

private:
    std::vector<Device> m_devices;
};

} // namespace paretoscope::roofline
