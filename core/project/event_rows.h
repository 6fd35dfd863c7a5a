// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/records.h"

namespace paretoscope::core {

// Table event.

/// An empty time means now.
Status insertEvent(Database& database, const EventRecord& event);
/// Only when the newest event of its kind says something else. @return whether it was inserted
Result<bool> insertEventUnlessNewest(Database& database, const EventRecord& event);
/// The newest `limit` events, oldest of them first; a negative limit means all.
Result<std::vector<EventRecord>> newestEvents(Database& database, int limit);

} // namespace paretoscope::core
