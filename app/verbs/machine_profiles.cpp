// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/machine_profiles.h"

#include "core/project/machine_record.h"
#include "core/project/project_store.h"

namespace paretoscope::app {

using roofline::MachineProfile;

core::Result<std::vector<MachineProfile>> machineProfilesOf(const std::filesystem::path& project)
{
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(project, core::OpenMode::ReadOnly));
    PSC_ASSIGN(const std::vector<core::MachineRecord> machines, store.machines());
    std::vector<MachineProfile> profiles;
    for (const core::MachineRecord& machine : machines) {
        auto profile = MachineProfile::fromJson(machine.profile, "machine profile " + machine.name);
        if (!profile.ok())
            return profile.error().withContext(project.string());
        profiles.push_back(std::move(profile).value());
    }
    return profiles;
}

} // namespace paretoscope::app
