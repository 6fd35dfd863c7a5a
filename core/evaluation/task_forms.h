// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/evaluation/task_items.h"

namespace paretoscope::core {

struct ReadItem
{
    TaskItem item; ///< `id` is empty when the line names none
    TaskItems::Kind kind = TaskItems::Kind::Choice;
};

/// One line of a task file, whichever form it has. `where` names it in messages ("tasks.jsonl line 3").
/// Errors: Corrupt.
Result<ReadItem> readTaskItem(const Json& line, const std::string& where);

/// HellaSwag's cleaning: outer white space, " [title]", bracketed tags, double spaces (once).
std::string cleanedHellaSwag(std::string_view text);
/// Python's str.capitalize(): the first character in title case, all others in lower case.
std::string capitalized(std::string_view text);

} // namespace paretoscope::core
