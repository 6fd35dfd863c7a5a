// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_device.h"

#include "views/format/text.h"

#include <QCoreApplication>

#include <algorithm>
#include <map>

namespace paretoscope::views {

namespace {

bool isNamed(const RooflineDevice& device, std::string_view name)
{
    return toQString(device.spec.name).compare(toQString(name), Qt::CaseInsensitive) == 0;
}

bool isSame(const RooflineDevice& a, const RooflineDevice& b)
{
    if (a.machine && b.machine)
        return a.machine->json() == b.machine->json();
    return !a.machine && !b.machine && deviceRecordOf(a.spec).cells == deviceRecordOf(b.spec).cells;
}

} // namespace

const RooflineDevice* DeviceList::find(std::string_view name) const
{
    const auto found = std::find_if(m_devices.begin(), m_devices.end(),
                                    [&](const RooflineDevice& device) { return isNamed(device, name); });
    return found == m_devices.end() ? nullptr : &*found;
}

void DeviceList::put(RooflineDevice device)
{
    const auto known = std::find_if(m_devices.begin(), m_devices.end(),
                                    [&](const RooflineDevice& other) { return isNamed(other, device.spec.name); });
    if (known == m_devices.end())
        m_devices.push_back(std::move(device));
    else
        *known = std::move(device);
}

void DeviceList::add(RooflineDevice device)
{
    if (const RooflineDevice* known = find(device.spec.name)) {
        if (isSame(*known, device))
            return;
        device.spec.name = QCoreApplication::translate("RooflineDevice", "%1 (project)")
                               .arg(toQString(device.spec.name))
                               .toStdString();
    }
    put(std::move(device));
}

core::DeviceRecord deviceRecordOf(const roofline::HardwareSpec& device)
{
    core::DeviceRecord record {.name = device.name};
    for (const std::string& column : roofline::hardwareColumns())
        record.cells[column] = roofline::hardwareCell(device, column);
    return record;
}

core::Result<roofline::HardwareSpec> deviceOf(const core::DeviceRecord& record)
{
    std::map<std::string, std::string> cells;
    for (const std::string& column : roofline::hardwareColumns()) {
        const auto cell = record.cells.is_object() ? record.cells.find(column) : record.cells.end();
        if (cell != record.cells.end() && cell->is_string())
            cells[column] = cell->get<std::string>();
    }
    return roofline::hardwareFromCells(cells);
}

} // namespace paretoscope::views
