// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/verify.h"

namespace paretoscope::core {

/// What became of a table.
struct SalvagedTable
{
    std::string name;
    std::int64_t kept = 0;
    std::int64_t mended = 0;         ///< of those: rows in which a value was left out or set right
    std::int64_t lost = 0;           ///< rows that were seen, but could not be kept
    std::int64_t unreadable = 0;     ///< places (pages, as a rule) that could not be read
    std::vector<std::string> losses; ///< "trial 5: ..."; the first few
};

struct SalvageReport
{
    VerifyReport source;               ///< what was wrong on the way to the rows
    std::vector<SalvagedTable> tables; ///< those with rows, or with losses
    VerifyReport result;               ///< of the new file
    std::int64_t artifacts = 0;        ///< kept artifacts that were copied beside it
};

/// Saves all that can be read of a damaged project into the new file `target`: table by table, row by row, around what
/// is unreadable, entered anew with all the checks of the schema; derived content (stages, hashes, numbering) is
/// derived again; what nothing in the file vouches for is left out. `project` is not changed.
/// Errors: InvalidArgument (target exists); NotFound; Io (no room); Busy; Unsupported (newer schema); Corrupt (nothing
/// could be read).
Result<SalvageReport> salvageProject(const std::filesystem::path& project, const std::filesystem::path& target,
                                     const StoreEnvironment& environment = {});

} // namespace paretoscope::core
