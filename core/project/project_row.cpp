// SPDX-License-Identifier: Apache-2.0
#include "core/project/project_row.h"

#include "core/project/timestamp.h"

#include <array>
#include <cstdio>
#include <random>

namespace paretoscope::core {

namespace {

constexpr std::string_view kInsert = "INSERT INTO project (id, uuid, created_utc, created_by, requires) "
                                     "VALUES (1, ?, ?, ?, '')";
constexpr std::string_view kRenew = "UPDATE project SET uuid = ?, created_utc = ?, created_by = ? WHERE id = 1";
constexpr std::string_view kSetRequires = "UPDATE project SET requires = ? WHERE id = 1";
constexpr std::string_view kRequires = "SELECT requires FROM project WHERE id = 1";
constexpr std::string_view kRaiseRevision = "UPDATE project SET revision = revision + 1 WHERE id = 1";
constexpr std::string_view kRevision = "SELECT revision FROM project WHERE id = 1";

std::string randomUuid()
{
    std::random_device random;
    std::array<unsigned, 4> words {random(), random(), random(), random()};
    words[1] = (words[1] & 0xffff0fffu) | 0x00004000u; // RFC 4122: version 4
    words[2] = (words[2] & 0x3fffffffu) | 0x80000000u; // and its variant
    char text[40];
    std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%04x%08x", words[0], words[1] >> 16, words[1] & 0xffffu,
                  words[2] >> 16, words[2] & 0xffffu, words[3]);
    return text;
}

} // namespace

Status insertProjectRow(Database& database)
{
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    return insert.with(randomUuid(), utcTimestamp(), "Paretoscope " PARETOSCOPE_VERSION).run();
}

Status renewIdentity(Database& database)
{
    PSC_ASSIGN(Statement update, database.prepare(kRenew));
    return update.with(randomUuid(), utcTimestamp(), "Paretoscope " PARETOSCOPE_VERSION).run();
}

Status setRequiredProgram(Database& database, std::string_view version)
{
    PSC_ASSIGN(Statement update, database.prepare(kSetRequires));
    return update.with(version).run();
}

Result<std::string> requiredProgram(Database& database)
{
    return database.text(kRequires);
}

Status raiseRevision(Database& database)
{
    PSC_ASSIGN(Statement update, database.prepare(kRaiseRevision));
    return update.run();
}

Result<std::int64_t> revision(Database& database)
{
    return database.integer(kRevision);
}

} // namespace paretoscope::core
