// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "roofline/hardware/hardware_table.h"

namespace paretoscope::app {

/// The devices a verb knows: the bundled ones, hardware.csv in the user's settings folder, and files that are named.
class HardwareOption
{
public:
    /// The option --hardware-file.
    void declare(OptionTable& options);

    /// Errors: those of HardwareTable::load.
    core::Result<roofline::HardwareTable> load(const Session& session) const;

private:
    std::vector<std::string> m_files;
};

/// SI units; null where a value is not known.
core::Json hardwareJson(const roofline::HardwareSpec& device);

} // namespace paretoscope::app
