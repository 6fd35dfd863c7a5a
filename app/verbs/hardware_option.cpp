// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/hardware_option.h"

#include "core/project/project_store.h"
#include "roofline/devices/known_devices.h"
#include "roofline/measured/machine_files.h"

#include <optional>

namespace paretoscope::app {

void HardwareOption::declare(OptionTable& options)
{
    OptionSpec& file =
        options.list("--hardware-file", "FILE", m_files,
                     "Also knows the devices of this CSV file (columns: \"paretoscope help hardware\"), or "
                     "the machine of this profile (*.json of roofline --measure); repeatable. hardware.csv "
                     "and machines/*.json in the settings folder are read without being named.");
    file.kind = ValueKind::File;
}

core::Result<roofline::DeviceList> HardwareOption::load(const Session& session, const core::ProjectStore* project) const
{
    std::optional<core::Error> first;
    roofline::DeviceList devices =
        roofline::devicesOf({.resources = session.installation.resources(),
                             .own = core::userConfigFolder() / "hardware.csv",
                             .machines = roofline::machineFolder(),
                             .further = std::vector<std::filesystem::path>(m_files.begin(), m_files.end())},
                            [&first](const core::Error& error) {
                                if (!first)
                                    first = error;
                            });
    if (first)
        return *first;
    if (!project)
        return devices;
    PSC_ASSIGN(const std::vector<core::DeviceRecord> described, project->devices());
    PSC_ASSIGN(const std::vector<core::MachineRecord> measured, project->machines());
    roofline::addProjectDevices(devices, described, measured,
                                [&session](const core::Error& error) { session.console.note(error.sentence()); });
    return devices;
}

} // namespace paretoscope::app
