// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

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
    std::multimap<std::string, sqlite3_stmt*, std::less<>> idle; ///< by SQL text
    int lent = 0;
};

} // namespace paretoscope::core
