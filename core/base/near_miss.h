// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// The candidate closest to a misspelt word (Damerau-Levenshtein distance at most a third of its length, at least 1).
std::optional<std::string> nearMiss(std::string_view word, const std::vector<std::string>& candidates);

/// `did you mean "x"?`, or the list of what is known; for hints.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

} // namespace paretoscope::core
