// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/machine_record.h"

#include <vector>

namespace paretoscope::core {

// Table roofline_point, the rows of machine profiles: mode "measured", no trial. One row of phase "profile" holds the
// whole profile in `settings`, the others its points. Whoever merges projects keeps the profiles of both.

/// Replaces what the project has of a machine of this name.
Status recordMachine(Database& database, const MachineRecord& machine);
/// In order of recording; of several of one name, which a merge may bring together, the newest alone.
Result<std::vector<MachineRecord>> readMachines(Database& database);

} // namespace paretoscope::core
