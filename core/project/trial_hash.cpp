// SPDX-License-Identifier: Apache-2.0
#include "core/project/trial_hash.h"

#include "core/project/sqlite_error.h"

#include <algorithm>

namespace paretoscope::core {

Result<TrialId> trialHash(const Statement& row, int column, const std::filesystem::path& file)
{
    const std::span<const std::uint8_t> bytes = row.blob(column);
    TrialId id;
    if (bytes.size() != id.digest.bytes.size())
        return damagedProject(file, "a trial id has " + std::to_string(bytes.size()) + " bytes instead of 32");
    std::copy(bytes.begin(), bytes.end(), id.digest.bytes.begin());
    return id;
}

} // namespace paretoscope::core
