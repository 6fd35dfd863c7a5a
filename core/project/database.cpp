// SPDX-License-Identifier: Apache-2.0
#include "core/project/database.h"

#include "core/project/read_only_vfs.h"
#include "core/project/sqlite_error.h"
#include "core/project/statement_pool.h"

#include "core/base/assert.h"

#include <sqlite3.h>

#include <utility>

namespace paretoscope::core {

namespace {

/// What a file may make SQLite do. Far above what the schema of version 1 needs, far below SQLite's own limits.
constexpr std::pair<int, int> kLimits[] {
    {SQLITE_LIMIT_LENGTH, 64 << 20}, // bytes of one value or row
    {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},  {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},      {SQLITE_LIMIT_COMPOUND_SELECT, 10},
    {SQLITE_LIMIT_VDBE_OP, 100'000},     {SQLITE_LIMIT_FUNCTION_ARG, 20},
    {SQLITE_LIMIT_ATTACHED, 0},          {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 100}, {SQLITE_LIMIT_TRIGGER_DEPTH, 5}, // trial, its runs, what they measured
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

constexpr std::pair<int, int> kSwitches[] {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
    {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    // A connection that refuses a file must not fold a left-over WAL into it; accepted writers checkpoint themselves.
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
};

void harden(sqlite3* handle)
{
    for (const auto& [limit, value] : kLimits)
        sqlite3_limit(handle, limit, value);
    for (const auto& [option, value] : kSwitches)
        sqlite3_db_config(handle, option, value, nullptr);
}

/// The path as a file: URI, so that flags can be passed along.
std::string uriOf(const std::filesystem::path& file, std::string_view parameters)
{
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string uri = "file://";
    for (const char c : file.string()) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || byte == '/' || byte == '-' || byte == '_' || byte == '.';
        if (plain)
            uri += c;
        else
            (uri += '%') += {kHex[byte >> 4], kHex[byte & 15]};
    }
    return uri += parameters;
}

} // namespace

StatementPool::~StatementPool()
{
    PSC_ASSERT(lent == 0, "a statement outlives its database");
    for (const auto& [sql, statement] : idle)
        sqlite3_finalize(statement);
    sqlite3_close(handle);
}

Database::Database(std::unique_ptr<StatementPool> pool)
    : m_pool(std::move(pool))
{}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& file, Access access, std::filesystem::path name)
{
    auto pool = std::make_unique<StatementPool>();
    pool->name = name.empty() ? file : std::move(name);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    std::string target = file.string();
    const char* vfs = nullptr;
    switch (access) {
    case Access::ReadOnly:
        flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
        target = uriOf(file, "?readonly_shm=1");
        vfs = readOnlyVfs();
        break;
    case Access::ReadWrite:
        flags |= SQLITE_OPEN_READWRITE;
        break;
    case Access::Create:
        flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
        break;
    case Access::Memory:
        flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
        target = ":memory:";
        break;
    }
    const int code = sqlite3_open_v2(target.c_str(), &pool->handle, flags, vfs);
    if (code != SQLITE_OK)
        return pool->handle ? sqliteError(pool->handle, pool->name) : sqliteError(code, nullptr, 0, pool->name);
    harden(pool->handle);
    Database database(std::move(pool));
    PSC_TRY(database.execute("PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;"));
    return database;
}

Result<Statement> Database::prepare(std::string_view sql)
{
    if (const auto found = m_pool->idle.find(sql); found != m_pool->idle.end()) {
        Statement statement(found->second, *m_pool);
        m_pool->idle.erase(found);
        ++m_pool->lent;
        return statement;
    }
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(m_pool->handle, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK)
        return error();
    PSC_ASSERT(prepared != nullptr, "SQL without a statement");
    ++m_pool->lent;
    return Statement(prepared, *m_pool);
}

Status Database::execute(std::string_view script)
{
    const std::string text(script);
    const char* next = text.c_str();
    while (next && *next) {
        sqlite3_stmt* prepared = nullptr;
        if (sqlite3_prepare_v2(m_pool->handle, next, -1, &prepared, &next) != SQLITE_OK)
            return error();
        if (!prepared) // white space or a comment at the end
            continue;
        int code = SQLITE_ROW;
        while (code == SQLITE_ROW)
            code = sqlite3_step(prepared);
        const Status status = code == SQLITE_DONE ? success() : Status(error());
        sqlite3_finalize(prepared);
        PSC_TRY(status);
    }
    return success();
}

Result<std::int64_t> Database::integer(std::string_view sql)
{
    PSC_ASSIGN(Statement statement, prepare(sql));
    return statement.integer();
}

Result<std::string> Database::text(std::string_view sql)
{
    PSC_ASSIGN(Statement statement, prepare(sql));
    PSC_ASSIGN(const bool row, statement.step());
    if (!row)
        return damagedProject(name(), "a value is missing");
    return statement.text(0);
}

Status Database::vacuum(const std::filesystem::path& into)
{
    sqlite3_limit(m_pool->handle, SQLITE_LIMIT_ATTACHED, 1); // VACUUM attaches the file it makes
    const Status done = [&]() -> Status {
        PSC_ASSIGN(Statement statement, prepare(into.empty() ? "VACUUM" : "VACUUM INTO ?"));
        if (!into.empty())
            statement.bind(1, into.string());
        return statement.run();
    }();
    sqlite3_limit(m_pool->handle, SQLITE_LIMIT_ATTACHED, 0);
    return done;
}

std::int64_t Database::changes() const
{
    return sqlite3_changes64(m_pool->handle);
}

void Database::setBusyTimeout(int milliseconds)
{
    sqlite3_busy_timeout(m_pool->handle, milliseconds);
}

bool Database::isReadOnly() const
{
    return sqlite3_db_readonly(m_pool->handle, "main") != 0;
}

int Database::lastCode() const
{
    return sqlite3_extended_errcode(m_pool->handle);
}

const std::filesystem::path& Database::name() const
{
    return m_pool->name;
}

Error Database::error() const
{
    return sqliteError(m_pool->handle, m_pool->name);
}

sqlite3_file& Database::mainFile()
{
    sqlite3_file* file = nullptr;
    sqlite3_file_control(m_pool->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    PSC_ASSERT(file && file->pMethods, "a database without a file");
    return *file;
}

Status Database::readFile(std::int64_t offset, std::span<std::uint8_t> bytes)
{
    sqlite3_file& file = mainFile();
    const int code = file.pMethods->xRead(&file, bytes.data(), static_cast<int>(bytes.size()), offset);
    if (code == SQLITE_IOERR_SHORT_READ)
        return damagedProject(name(), "it ends too early");
    return code == SQLITE_OK ? success() : Status(sqliteError(code, nullptr, 0, name()));
}

// From RESERVED on, a lock that is asked for alone leaves a PENDING one behind where it fails: nobody gets a new SHARED
// lock then. SQLite itself does so only with a rollback journal. Source: https://www.sqlite.org/lockingv3.html
bool Database::lockAlone()
{
    sqlite3_file& file = mainFile();
    for (const int level : {SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED, SQLITE_LOCK_EXCLUSIVE}) {
        if (file.pMethods->xLock(&file, level) != SQLITE_OK)
            return false;
    }
    return true;
}

Result<std::string> Database::serialize()
{
    sqlite3_int64 size = 0;
    unsigned char* bytes = sqlite3_serialize(m_pool->handle, "main", &size, 0);
    if (!bytes)
        return sqliteError(SQLITE_NOMEM, nullptr, 0, name());
    std::string content(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    sqlite3_free(bytes);
    return content;
}

sqlite3* Database::handle() const
{
    return m_pool->handle;
}

Result<Transaction> Transaction::begin(Database& database, Kind kind)
{
    PSC_ASSIGN(Statement statement, database.prepare(kind == Kind::Write ? "BEGIN IMMEDIATE" : "BEGIN"));
    PSC_TRY(statement.run());
    return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : m_database(std::exchange(other.m_database, nullptr))
{}

Transaction::~Transaction()
{
    // SQLite has rolled back by itself after some failures (disk full, I/O).
    if (m_database && sqlite3_get_autocommit(m_database->handle()) == 0)
        (void)m_database->execute("ROLLBACK");
}

Status Transaction::commit()
{
    PSC_ASSIGN(Statement statement, m_database->prepare("COMMIT"));
    PSC_TRY(statement.run());
    m_database = nullptr;
    return success();
}

} // namespace paretoscope::core
