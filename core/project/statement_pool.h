// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace paretoscope::core {

/// A connection and the statements prepared on it that nobody uses right now. Part of Database.
struct StatementPool
{
    StatementPool() = default;
    StatementPool(const StatementPool&) = delete;
    StatementPool& operator=(const StatementPool&) = delete;
    ~StatementPool();

    sqlite3* handle = nullptr;
    std::filesystem::path name;
    std::multimap<std::string_view, sqlite3_stmt*> idle; ///< by SQL text, which the statement holds
    int lent = 0;
};

} // namespace paretoscope::core
