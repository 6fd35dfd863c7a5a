// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/project/database.h"

namespace paretoscope::core {

// Tables pipeline and stage: equal pipelines stand there once.

/// @param stages [{"plugin","version","parameters"}, ...]; null is the empty pipeline
/// Errors: InvalidArgument (no array, a stage without plugin).
Result<std::int64_t> pipelineIdOf(Database& database, const Json& stages);

} // namespace paretoscope::core
