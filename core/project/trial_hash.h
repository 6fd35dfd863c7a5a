// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/sweep/trial_id.h"

namespace paretoscope::core {

/// The 32 bytes of a hash column. Errors: Corrupt (another length), naming `file`.
Result<TrialId> trialHash(const Statement& row, int column, const std::filesystem::path& file);

} // namespace paretoscope::core
