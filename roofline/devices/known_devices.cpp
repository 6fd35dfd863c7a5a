// SPDX-License-Identifier: Apache-2.0
#include "roofline/devices/known_devices.h"

#include "roofline/measured/machine_files.h"

#include <map>

namespace paretoscope::roofline {

namespace {

bool isProfile(const std::filesystem::path& file)
{
    return file.extension() == ".json";
}

Device machineDevice(MachineProfile profile, DeviceOrigin origin)
{
    Device device {.spec = profile.hardware(), .origin = origin, .keptName = profile.name};
    device.machine = std::make_shared<const MachineProfile>(std::move(profile));
    return device;
}

/// Puts devices into a list, and tells what cannot be read.
class ListMaker
{
public:
    explicit ListMaker(const DeviceProblem& tell)
        : m_tell(tell)
    {}

    void putTable(const std::filesystem::path& file, DeviceOrigin origin)
    {
        const core::Result<HardwareTable> table = HardwareTable::read(file);
        if (!table.ok())
            return m_tell(table.error());
        for (const HardwareSpec& spec : table.value().all())
            m_list.put({.spec = spec, .origin = origin, .keptName = spec.name});
    }

    void putProfile(const std::filesystem::path& file)
    {
        core::Result<MachineProfile> profile = readMachineProfile(file);
        if (!profile.ok())
            return m_tell(profile.error());
        m_list.put(machineDevice(std::move(profile).value(), DeviceOrigin::Machine));
    }

    void putProfiles(const std::filesystem::path& folder)
    {
        core::Result<std::vector<MachineProfile>> profiles = readMachineProfiles(folder);
        if (!profiles.ok())
            return m_tell(profiles.error());
        for (MachineProfile& profile : profiles.value())
            m_list.put(machineDevice(std::move(profile), DeviceOrigin::Machine));
    }

    DeviceList take() { return std::move(m_list); }

private:
    const DeviceProblem& m_tell;
    DeviceList m_list;
};

} // namespace

DeviceList devicesOf(const DeviceFiles& files, const DeviceProblem& tell)
{
    ListMaker list(tell);
    list.putTable(files.resources / "hardware.csv", DeviceOrigin::Bundled);
    std::error_code ignored;
    if (std::filesystem::exists(files.own, ignored))
        list.putTable(files.own, DeviceOrigin::Own);
    for (const std::filesystem::path& file : files.further) {
        if (!isProfile(file))
            list.putTable(file, DeviceOrigin::Own);
    }
    list.putProfiles(files.machines);
    for (const std::filesystem::path& file : files.further) {
        if (isProfile(file))
            list.putProfile(file);
    }
    return list.take();
}

void addProjectDevices(DeviceList& list, std::span<const core::DeviceRecord> devices,
                       std::span<const core::MachineRecord> machines, const DeviceProblem& tell)
{
    for (const core::DeviceRecord& record : devices) {
        const core::Result<HardwareSpec> spec = deviceOf(record);
        if (spec.ok())
            list.add({.spec = spec.value(), .origin = DeviceOrigin::Project, .keptName = record.name});
        else
            tell(spec.error());
    }
    for (const core::MachineRecord& record : machines) {
        auto profile = MachineProfile::fromJson(record.profile, "machine profile " + record.name + " of the project");
        if (profile.ok())
            list.add(machineDevice(std::move(profile).value(), DeviceOrigin::ProjectMachine));
        else
            tell(profile.error());
    }
}

core::DeviceRecord deviceRecordOf(const HardwareSpec& device)
{
    core::DeviceRecord record {.name = device.name};
    for (const std::string& column : hardwareColumns())
        record.cells[column] = hardwareCell(device, column);
    return record;
}

core::Result<HardwareSpec> deviceOf(const core::DeviceRecord& record)
{
    std::map<std::string, std::string> cells;
    for (const std::string& column : hardwareColumns()) {
        const auto cell = record.cells.is_object() ? record.cells.find(column) : record.cells.end();
        if (cell != record.cells.end() && cell->is_string())
            cells[column] = cell->get<std::string>();
    }
    core::Result<HardwareSpec> spec = hardwareFromCells(cells);
    return spec.ok() ? spec : spec.error().withContext("device " + record.name + " of the project");
}

} // namespace paretoscope::roofline
