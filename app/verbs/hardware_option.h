// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "roofline/devices/device_list.h"

namespace paretoscope::core {
class ProjectStore;
}

namespace paretoscope::app {

/// The devices a verb knows: the bundled ones, hardware.csv and the machine profiles in the user's settings folder,
/// files that are named, and what a project keeps.
class HardwareOption
{
public:
    /// The option --hardware-file.
    void declare(OptionTable& options);

    /// @param project null: none. What it keeps that cannot be read is left out, with a note.
    /// Errors: those of roofline::devicesOf, of ProjectStore.
    core::Result<roofline::DeviceList> load(const Session& session, const core::ProjectStore* project) const;

private:
    std::vector<std::string> m_files;
};

} // namespace paretoscope::app
