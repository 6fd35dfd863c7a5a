// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/records.h"

#include <optional>

namespace paretoscope::core {

// Tables model and workload. A workload is (name, kind, model files): when the files behind a name change, a new row is
// added and the trials of the old files keep the old one.

Status upsertWorkload(Database& database, const WorkloadRecord& workload);
/// The newest workload of that name, made without details when there is none; empty for an empty name.
Result<std::optional<std::int64_t>> workloadIdOf(Database& database, const std::string& name);
Result<std::vector<WorkloadRecord>> readWorkloads(Database& database);

} // namespace paretoscope::core
