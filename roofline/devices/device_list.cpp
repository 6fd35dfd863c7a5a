// SPDX-License-Identifier: Apache-2.0
#include "roofline/devices/device_list.h"

#include <algorithm>

namespace paretoscope::roofline {

namespace {

bool isSame(const HardwareSpec& a, const HardwareSpec& b)
{
    const std::vector<std::string> columns = hardwareColumns();
    return std::all_of(columns.begin(), columns.end(),
                       [&](const std::string& column) { return hardwareCell(a, column) == hardwareCell(b, column); });
}

bool isSame(const Device& a, const Device& b)
{
    if (a.machine && b.machine)
        return a.machine->json() == b.machine->json();
    return !a.machine && !b.machine && isSame(a.spec, b.spec);
}

} // namespace

const Device* DeviceList::find(std::string_view name) const
{
    const auto found = std::find_if(m_devices.begin(), m_devices.end(),
                                    [&](const Device& device) { return isSameDeviceName(device.spec.name, name); });
    return found == m_devices.end() ? nullptr : &*found;
}

void DeviceList::put(Device device)
{
    const auto known = std::find_if(m_devices.begin(), m_devices.end(), [&](const Device& other) {
        return isSameDeviceName(other.spec.name, device.spec.name);
    });
    if (known == m_devices.end())
        m_devices.push_back(std::move(device));
    else
        *known = std::move(device);
}

void DeviceList::add(Device device)
{
    if (const Device* known = find(device.spec.name)) {
        if (isSame(*known, device))
            return;
        device.spec.name += " (project)";
    }
    put(std::move(device));
}

HardwareTable DeviceList::table() const
{
    HardwareTable table;
    for (const Device& device : m_devices)
        table.put(device.spec);
    return table;
}

} // namespace paretoscope::roofline
