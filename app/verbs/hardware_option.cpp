// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/hardware_option.h"

#include "roofline/measured/machine_files.h"

#include <algorithm>
#include <iterator>

namespace paretoscope::app {

namespace {

bool isProfile(const std::string& file)
{
    return std::filesystem::path(file).extension() == ".json";
}

} // namespace

void HardwareOption::declare(OptionTable& options)
{
    OptionSpec& file =
        options.list("--hardware-file", "FILE", m_files,
                     "Also knows the devices of this CSV file (columns: \"paretoscope help hardware\"), or "
                     "the machine of this profile (*.json of roofline --measure); repeatable. hardware.csv "
                     "and machines/*.json in the settings folder are read without being named.");
    file.kind = ValueKind::File;
}

core::Result<roofline::HardwareTable> HardwareOption::load(const Session& session) const
{
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    const std::filesystem::path own = core::userConfigFolder() / "hardware.csv";
    if (std::filesystem::exists(own, ignored))
        files.push_back(own);
    std::copy_if(m_files.begin(), m_files.end(), std::back_inserter(files),
                 [](const std::string& file) { return !isProfile(file); });
    PSC_ASSIGN(roofline::HardwareTable table, roofline::HardwareTable::load(session.installation.resources(), files));
    PSC_ASSIGN(const std::vector<roofline::MachineProfile> measured, machines());
    for (const roofline::MachineProfile& machine : measured)
        table.put(machine.hardware());
    return table;
}

core::Result<std::vector<roofline::MachineProfile>> HardwareOption::machines() const
{
    PSC_ASSIGN(std::vector<roofline::MachineProfile> all, roofline::readMachineProfiles(roofline::machineFolder()));
    for (const std::string& file : m_files) {
        if (!isProfile(file))
            continue;
        PSC_ASSIGN(roofline::MachineProfile profile, roofline::readMachineProfile(file));
        std::erase_if(all, [&](const roofline::MachineProfile& other) { return other.name == profile.name; });
        all.push_back(std::move(profile));
    }
    return all;
}

} // namespace paretoscope::app
