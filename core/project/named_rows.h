// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::core {

/// What `make` makes of the rows of a query, oldest first; of several of one name, which a merge may bring together,
/// the newest alone.
template <typename Record, typename Make>
Result<std::vector<Record>> newestOfEachName(Database& database, std::string_view query, const Make& make)
{
    std::vector<Record> records;
    PSC_ASSIGN(Statement rows, database.prepare(query));
    PSC_TRY(rows.forEachRow([&](const Statement& row) {
        Record record = make(row);
        std::erase_if(records, [&](const Record& older) { return older.name == record.name; });
        records.push_back(std::move(record));
        return success();
    }));
    return records;
}

} // namespace paretoscope::core
