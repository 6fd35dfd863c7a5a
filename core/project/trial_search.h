// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/sweep/trial_id.h"

#include <string>

namespace paretoscope::core {

/// The one trial that `idOrLabel` names: the beginning of its hex id (4 digits or more), or its whole label.
/// Errors: NotFound (suggests a near label), InvalidArgument (too short, or several: lists them).
Result<TrialId> findTrialId(Database& database, const std::string& idOrLabel);

} // namespace paretoscope::core
