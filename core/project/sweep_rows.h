// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/records.h"

#include <optional>

namespace paretoscope::core {

// Tables sweep and sweep_trial. A sweep is (name, source): an edited sweep file of the same name is another sweep.

/// Trials that are new to the sweep are appended, none is taken away: shards and `--only` name parts of it.
Status upsertSweep(Database& database, const SweepRecord& sweep);
/// The newest sweep of that name, made without source when there is none; empty for an empty name.
Result<std::optional<std::int64_t>> sweepIdOf(Database& database, const std::string& name);
Result<std::vector<SweepRecord>> readSweeps(Database& database);

} // namespace paretoscope::core
