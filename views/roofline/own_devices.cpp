// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/own_devices.h"

#include "core/base/mapped_file.h"
#include "views/format/text.h"
#include "views/table/text_file.h"

#include <algorithm>

namespace paretoscope::views {

namespace {

bool isNamed(const roofline::HardwareSpec& device, const std::string& name)
{
    return toQString(device.name).compare(toQString(name), Qt::CaseInsensitive) == 0;
}

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
    PSC_ASSIGN(const std::string text, core::readTextFile(file));
    roofline::HardwareTable table;
    PSC_TRY(table.add(text, file.filename().string()));
    return table.all();
}

core::Status saveOwnDevice(const std::filesystem::path& file, const roofline::HardwareSpec& device)
{
    PSC_ASSIGN(std::vector<roofline::HardwareSpec> devices, readOwnDevices(file));
    const auto known = std::find_if(devices.begin(), devices.end(),
                                    [&](const roofline::HardwareSpec& each) { return isNamed(each, device.name); });
    if (known == devices.end())
        devices.push_back(device);
    else
        *known = device;
    return write(file, devices);
}

core::Status removeOwnDevice(const std::filesystem::path& file, const std::string& name)
{
    PSC_ASSIGN(std::vector<roofline::HardwareSpec> devices, readOwnDevices(file));
    std::erase_if(devices, [&](const roofline::HardwareSpec& each) { return isNamed(each, name); });
    return write(file, devices);
}

} // namespace paretoscope::views
