// SPDX-License-Identifier: Apache-2.0
#include "core/project/database.h"

#include "core/project/sqlite_error.h"
#include "core/project/statement_pool.h"
#include "core/project/utf8.h"

#include <sqlite3.h>

#include <cmath>

namespace paretoscope::core {

void Statement::Release::operator()(sqlite3_stmt* statement) const
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    pool->idle.emplace(sqlite3_sql(statement), statement);
    --pool->lent;
}

void Statement::note(int code)
{
    if (m_bindError == SQLITE_OK)
        m_bindError = code;
}

Error Statement::failure() const
{
    return sqliteError(m_statement.get_deleter().pool->handle, m_statement.get_deleter().pool->name);
}

void Statement::bind(int index, std::nullptr_t)
{
    note(sqlite3_bind_null(m_statement.get(), index));
}

void Statement::bind(int index, std::int64_t value)
{
    note(sqlite3_bind_int64(m_statement.get(), index, value));
}

void Statement::bind(int index, double value)
{
    note(std::isfinite(value) ? sqlite3_bind_double(m_statement.get(), index, value)
                              : sqlite3_bind_null(m_statement.get(), index));
}

void Statement::bind(int index, std::string_view text)
{
    const bool ascii = isAscii(text); // nearly all of it
    const std::string valid = ascii ? std::string() : validUtf8(text);
    const std::string_view stored = ascii ? text : std::string_view(valid);
    note(sqlite3_bind_text64(m_statement.get(), index, stored.empty() ? "" : stored.data(), stored.size(),
                             SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, std::span<const std::uint8_t> bytes)
{
    static constexpr std::uint8_t kNothing = 0; // a null pointer would bind NULL instead of an empty blob
    note(sqlite3_bind_blob64(m_statement.get(), index, bytes.empty() ? &kNothing : bytes.data(), bytes.size(),
                             SQLITE_TRANSIENT));
}

void Statement::bind(int index, std::optional<double> value)
{
    value ? bind(index, *value) : bind(index, nullptr);
}

void Statement::bind(int index, std::optional<std::int64_t> value)
{
    value ? bind(index, *value) : bind(index, nullptr);
}

void Statement::bind(int index, const std::optional<std::string>& text)
{
    text ? bind(index, std::string_view(*text)) : bind(index, nullptr);
}

Result<bool> Statement::step()
{
    if (m_bindError != SQLITE_OK)
        return sqliteError(std::exchange(m_bindError, SQLITE_OK), nullptr, 0, m_statement.get_deleter().pool->name);
    const int code = sqlite3_step(m_statement.get());
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE) {
        const Error error = failure(); // before the reset, which forgets the errno
        sqlite3_reset(m_statement.get());
        return error;
    }
    sqlite3_reset(m_statement.get());
    return false;
}

Status Statement::run()
{
    while (true) {
        PSC_ASSIGN(const bool row, step());
        if (!row)
            return success();
    }
}

Result<std::optional<std::int64_t>> Statement::optionalInteger()
{
    PSC_ASSIGN(const bool row, step());
    if (!row)
        return std::optional<std::int64_t>();
    const std::int64_t value = integer(0);
    PSC_TRY(run()); // RETURNING writes only when the statement ends
    return std::optional(value);
}

Result<std::int64_t> Statement::integer()
{
    PSC_ASSIGN(const std::optional<std::int64_t> value, optionalInteger());
    if (!value)
        return damagedProject(m_statement.get_deleter().pool->name, "a row is missing");
    return *value;
}

Statement::Kind Statement::kind(int column) const
{
    switch (sqlite3_column_type(m_statement.get(), column)) {
    case SQLITE_INTEGER:
        return Kind::Integer;
    case SQLITE_FLOAT:
        return Kind::Real;
    case SQLITE_TEXT:
        return Kind::Text;
    case SQLITE_BLOB:
        return Kind::Blob;
    default:
        return Kind::Null;
    }
}

std::int64_t Statement::integer(int column) const
{
    return sqlite3_column_int64(m_statement.get(), column);
}

double Statement::real(int column) const
{
    return sqlite3_column_double(m_statement.get(), column);
}

std::optional<double> Statement::optionalReal(int column) const
{
    if (isNull(column) || !std::isfinite(real(column)))
        return std::nullopt;
    return real(column);
}

std::string_view Statement::rawText(int column) const
{
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(m_statement.get(), column));
    return text ? std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(m_statement.get(), column)))
                : std::string_view();
}

std::string Statement::text(int column) const
{
    return validUtf8(rawText(column));
}

std::span<const std::uint8_t> Statement::blob(int column) const
{
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(m_statement.get(), column));
    return bytes ? std::span(bytes, static_cast<std::size_t>(sqlite3_column_bytes(m_statement.get(), column)))
                 : std::span<const std::uint8_t>();
}

bool Statement::isNull(int column) const
{
    return sqlite3_column_type(m_statement.get(), column) == SQLITE_NULL;
}

} // namespace paretoscope::core
