// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace paretoscope::core {

struct StatementPool;

/// One prepared statement. Columns and parameters count as in SQLite: parameters from 1, columns from 0.
/// A failed bind is reported by the next step. Must not outlive its Database.
class Statement
{
public:
    void bind(int index, std::nullptr_t);
    void bind(int index, std::int64_t value);
    void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, double value);          ///< a number that is not finite is stored as NULL
    void bind(int index, std::string_view text); ///< stored as valid UTF-8; broken bytes become U+FFFD
    void bind(int index, const char* text) { bind(index, std::string_view(text)); }
    void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
    void bind(int index, std::span<const std::uint8_t> bytes);
    void bind(int index, std::optional<double> value);
    void bind(int index, std::optional<std::int64_t> value);
    void bind(int index, const std::optional<std::string>& text);

    /// Binds the parameters from the first on.
    template <typename... Values>
    Statement& with(const Values&... values)
    {
        int index = 0;
        (bind(++index, values), ...);
        return *this;
    }

    Result<bool> step();            ///< true: a row is ready; false: done, ready for new parameters
    Status run();                   ///< to the end, rows ignored
    Result<std::int64_t> integer(); ///< column 0 of the only row; then reset. Errors: Corrupt when there is no row.
    Result<std::optional<std::int64_t>> optionalInteger(); ///< likewise; empty without a row

    /// Calls `visit`, which returns a Status, with each row.
    template <typename Visit>
    Status forEachRow(Visit&& visit)
    {
        while (true) {
            PSC_ASSIGN(const bool row, step());
            if (!row)
                return success();
            PSC_TRY(visit(*this));
        }
    }

    enum class Kind
    {
        Null,
        Integer,
        Real,
        Text,
        Blob
    };
    Kind kind(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::optional<double> optionalReal(int column) const; ///< empty for NULL and for what is not finite
    std::string text(int column) const;                   ///< valid UTF-8; NULL gives ""
    std::string_view rawText(int column) const;           ///< as stored; until the next step
    std::span<const std::uint8_t> blob(int column) const; ///< until the next step
    bool isNull(int column) const;

private:
    friend class Database;
    struct Release
    {
        StatementPool* pool = nullptr;
        void operator()(sqlite3_stmt* statement) const;
    };
    Statement(sqlite3_stmt* statement, StatementPool& pool)
        : m_statement(statement, Release {&pool})
    {}
    void note(int code);
    Error failure() const;

    std::unique_ptr<sqlite3_stmt, Release> m_statement;
    int m_bindError = 0;
};

/// One connection, hardened for files of strangers: no extensions, triggers, views, attached files or functions from
/// the schema, SQLite's limits lowered, no memory map. Not thread-safe.
class Database
{
public:
    enum class Access
    {
        ReadOnly,
        ReadWrite,
        Create,
        Memory
    };

    /// ReadOnly never creates, deletes or changes a file (see read_only_vfs.h). Reads nothing but the header yet.
    /// @param name stands for the file in messages; empty = its path
    static Result<Database> open(const std::filesystem::path& file, Access access, std::filesystem::path name = {});

    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database();

    /// Statements are kept and reused; `sql` is one statement.
    Result<Statement> prepare(std::string_view sql);
    /// A script of statements without parameters: pragmas and schema.
    Status execute(std::string_view script);
    Result<std::int64_t> integer(std::string_view sql); ///< the only number a statement without parameters gives
    Result<std::string> text(std::string_view sql);

    /// Rebuilds the file without free pages: in place, or as the new file `into`. Outside a transaction.
    Status vacuum(const std::filesystem::path& into = {});

    std::int64_t changes() const; ///< rows the last statement changed
    void setBusyTimeout(int milliseconds);
    bool isReadOnly() const;
    int lastCode() const; ///< SQLite's extended result code of the last failure
    const std::filesystem::path& name() const;
    Error error() const;

    /// Up to `bytes.size()` bytes at `offset` of the main file through SQLite's own descriptor: opening the file a
    /// second time and closing it would drop SQLite's locks (POSIX locks belong to the process, not the descriptor).
    Status readFile(std::int64_t offset, std::span<std::uint8_t> bytes);
    /// Takes the main file for this connection alone, or as long as others read it keeps further ones from beginning,
    /// so that it can be had soon. Until the connection is closed. For a file in WAL mode.
    /// @return whether it is alone
    bool lockAlone();
    /// All of an in-memory database as the bytes of a file.
    Result<std::string> serialize();
    sqlite3* handle() const; ///< for this folder only

private:
    explicit Database(std::unique_ptr<StatementPool> pool);
    sqlite3_file& mainFile();
    std::unique_ptr<StatementPool> m_pool;
};

/// Rolls back unless committed.
class Transaction
{
public:
    enum class Kind
    {
        Read,
        Write
    };
    /// A Read sees one state of the file until it ends. A Write waits for the file's write lock. Errors: Busy, Io.
    static Result<Transaction> begin(Database& database, Kind kind);

    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    Status commit(); ///< after a failure nothing of it is in the file

private:
    explicit Transaction(Database& database)
        : m_database(&database)
    {}
    Database* m_database;
};

} // namespace paretoscope::core
