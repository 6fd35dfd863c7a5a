// SPDX-License-Identifier: Apache-2.0
#include "core/project/event_rows.h"

#include "core/project/timestamp.h"

#include <algorithm>

namespace paretoscope::core {

namespace {
constexpr std::string_view kInsert = "INSERT INTO event (time_utc, level, kind, trial, text) VALUES (?, ?, ?, ?, ?)";
constexpr std::string_view kNewestOfKind = "SELECT text FROM event WHERE kind = ? ORDER BY id DESC LIMIT 1";
constexpr std::string_view kNewest = "SELECT time_utc, level, kind, trial, text FROM event ORDER BY id DESC LIMIT ?";
} // namespace

Status insertEvent(Database& database, const EventRecord& event)
{
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    const std::string time = event.timeUtc.empty() ? utcTimestamp() : event.timeUtc;
    return insert.with(time, event.level, event.kind, event.trial, event.text).run();
}

Result<bool> insertEventUnlessNewest(Database& database, const EventRecord& event)
{
    {
        PSC_ASSIGN(Statement newest, database.prepare(kNewestOfKind));
        PSC_ASSIGN(const bool found, newest.with(event.kind).step());
        if (found && newest.text(0) == event.text)
            return false;
    }
    PSC_TRY(insertEvent(database, event));
    return true;
}

Result<std::vector<EventRecord>> newestEvents(Database& database, int limit)
{
    std::vector<EventRecord> events;
    PSC_ASSIGN(Statement query, database.prepare(kNewest));
    query.with(limit);
    PSC_TRY(query.forEachRow([&events](const Statement& row) {
        events.push_back({.timeUtc = row.text(0),
                          .level = row.text(1),
                          .kind = row.text(2),
                          .trial = row.text(3),
                          .text = row.text(4)});
        return success();
    }));
    std::reverse(events.begin(), events.end());
    return events;
}

} // namespace paretoscope::core
