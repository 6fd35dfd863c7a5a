// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "roofline/hardware/hardware_table.h"
#include "roofline/measured/machine_profile.h"

namespace paretoscope::app {

/// The devices a verb knows: the bundled ones, hardware.csv and the machine profiles in the user's settings folder, and
/// files that are named.
class HardwareOption
{
public:
    /// The option --hardware-file.
    void declare(OptionTable& options);

    /// Errors: those of HardwareTable::load and machines().
    core::Result<roofline::HardwareTable> load(const Session& session) const;
    /// Machines that were measured; of one name the last. Errors: those of readMachineProfile.
    core::Result<std::vector<roofline::MachineProfile>> machines() const;

private:
    std::vector<std::string> m_files;
};

} // namespace paretoscope::app
