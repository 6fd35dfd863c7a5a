// SPDX-License-Identifier: Apache-2.0
#include "core/project/tag_rows.h"

namespace paretoscope::core {

namespace {
constexpr std::string_view kInsert = "INSERT INTO tag (trial_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING";
constexpr std::string_view kAll = "SELECT trial_id, name FROM tag ORDER BY trial_id, name";
constexpr std::string_view kOfTrial = "SELECT name FROM tag WHERE trial_id = ? ORDER BY name";
} // namespace

Status addTags(Database& database, std::int64_t trialRow, const std::vector<std::string>& tags)
{
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    for (const std::string& tag : tags)
        PSC_TRY(insert.with(trialRow, tag).run());
    return success();
}

Status readTags(Database& database, const std::function<void(std::int64_t, std::string)>& take)
{
    PSC_ASSIGN(Statement query, database.prepare(kAll));
    return query.forEachRow([&take](const Statement& row) {
        take(row.integer(0), row.text(1));
        return success();
    });
}

Result<std::vector<std::string>> readTagsOf(Database& database, std::int64_t trialRow)
{
    std::vector<std::string> tags;
    PSC_ASSIGN(Statement query, database.prepare(kOfTrial));
    query.with(trialRow);
    PSC_TRY(query.forEachRow([&tags](const Statement& row) {
        tags.push_back(row.text(0));
        return success();
    }));
    return tags;
}

} // namespace paretoscope::core
