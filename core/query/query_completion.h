// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// What may stand at a place in a filter.
struct QueryCompletion
{
    std::size_t begin = 0;               ///< the candidates replace the text from here
    std::size_t end = 0;                 ///< to here
    std::vector<std::string> candidates; ///< sorted; in quotation marks where they need them
};

/// Completes the word that ends at `cursor` (bytes, at most text.size()): a name of these trials, "baseline." and a
/// name, a text that a field has after = or ~ or in a list, or "and", "or", "in" after a value.
QueryCompletion completeQuery(std::string_view text, std::size_t cursor, std::span<const TrialRecord> trials);

} // namespace paretoscope::core
