// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/own_devices.h"

#include "views/format/text.h"
#include "views/table/text_file.h"

#include <algorithm>

namespace paretoscope::views {

namespace {

core::Status write(const std::filesystem::path& file, const std::vector<roofline::HardwareSpec>& devices)
{
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored); // what fails shows when the file is written
    return writeTextFile(pathText(file), toQString(roofline::hardwareCsv(devices)));
}

} // namespace

core::Result<std::vector<roofline::HardwareSpec>> readOwnDevices(const std::filesystem::path& file)
{
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
        return std::vector<roofline::HardwareSpec>();
    PSC_ASSIGN(const roofline::HardwareTable table, roofline::HardwareTable::read(file));
    return table.all();
}

core::Status saveOwnDevice(const std::filesystem::path& file, const roofline::HardwareSpec& device)
{
    PSC_ASSIGN(std::vector<roofline::HardwareSpec> devices, readOwnDevices(file));
    const auto known = std::find_if(devices.begin(), devices.end(), [&](const roofline::HardwareSpec& each) {
        return roofline::isSameDeviceName(each.name, device.name);
    });
    if (known == devices.end())
        devices.push_back(device);
    else
        *known = device;
    return write(file, devices);
}

core::Status removeOwnDevice(const std::filesystem::path& file, const std::string& name)
{
    PSC_ASSIGN(std::vector<roofline::HardwareSpec> devices, readOwnDevices(file));
    std::erase_if(devices,
                  [&](const roofline::HardwareSpec& each) { return roofline::isSameDeviceName(each.name, name); });
    return write(file, devices);
}

} // namespace paretoscope::views
