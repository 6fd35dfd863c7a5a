// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"

#include <functional>
#include <string>
#include <vector>

namespace paretoscope::core {

// Table tag.

/// Adds what is missing; takes nothing away.
Status addTags(Database& database, std::int64_t trialRow, const std::vector<std::string>& tags);
/// Calls `take(trialRow, tag)` with every tag, by trial and name.
Status readTags(Database& database, const std::function<void(std::int64_t, std::string)>& take);
Result<std::vector<std::string>> readTagsOf(Database& database, std::int64_t trialRow);

} // namespace paretoscope::core
