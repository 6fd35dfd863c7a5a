// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/verify.h"

namespace paretoscope::core {

/// What is derived from other content is derived again: pipeline hashes, stages, trial ids (where the provenance of a
/// trial holds what its id was made of; a note counts the others and says why).
void checkIdentities(Database& database, VerifyReport& report);

} // namespace paretoscope::core
