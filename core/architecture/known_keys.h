// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <set>
#include <string>
#include <vector>

namespace paretoscope::core {

/// What in `config` might change the arithmetic without the family file knowing, one sentence each. A key is known
/// when a value of the family file mentions it (inside an object: its path), when `required_values` allows what it
/// says, or when `ignored_keys` of the family or `neutral` names it. Unknown keys that are null or false are switched
/// off and do no harm.
std::vector<std::string> unsupportedKeys(const Json& config, const Json& family, const std::set<std::string>& neutral);

} // namespace paretoscope::core
