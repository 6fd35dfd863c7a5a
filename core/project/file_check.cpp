// SPDX-License-Identifier: Apache-2.0
#include "core/project/file_check.h"

#include "core/project/project_row.h"
#include "core/project/schema_check.h"
#include "core/project/schema_v1.h"
#include "core/project/sqlite_error.h"

#include <sqlite3.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace paretoscope::core {

namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::int64_t kHeaderBytes = 100;
/// Up to here the check of every page takes about 45 ms.
constexpr std::int64_t kQuickCheckBytes = 32 << 20;

std::uint32_t bigEndian(std::span<const std::uint8_t> bytes, std::size_t offset, std::size_t count)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value = value << 8 | bytes[offset + i];
    return value;
}

Status refuseStrangeSchema(const Schema& found, const Schema& expected, const std::filesystem::path& file)
{
    const std::vector<SchemaDifference> differences = schemaDifferences(found, expected);
    if (differences.empty())
        return success();
    const SchemaDifference& first = differences.front();
    const std::string object = first.type + " \"" + first.name + "\"";
    if (first.kind == SchemaDifference::Kind::Missing)
        return damagedProject(file, "the " + object + " is missing");
    return Error {ErrorCode::Corrupt,
                  file.string() + " holds the " + object + ", which " +
                      (first.kind == SchemaDifference::Kind::Changed ? "differs from a Paretoscope project's"
                                                                     : "no Paretoscope project has"),
                  "do not trust this file: ask whom you have it from; nothing in it was run"};
}

/// A page that the disk does not give is not a damaged one: quick_check reports both, with SQLite's code.
Error unsoundProject(const std::string& verdict, const std::filesystem::path& file)
{
    constexpr std::string_view kCode = "unable to get the page. error code=";
    if (const std::size_t at = verdict.find(kCode); at != std::string::npos) {
        const int code = std::atoi(verdict.c_str() + at + kCode.size());
        if ((code & 0xff) != SQLITE_CORRUPT)
            return sqliteError(code, nullptr, 0, file);
    }
    return damagedProject(file, verdict);
}

} // namespace

Error newerProject(Database& database, std::int64_t version, std::int64_t known)
{
    const Result<std::string> required = requiredProgram(database);
    const bool named = required.ok() && !required.value().empty();
    return {ErrorCode::Unsupported,
            database.name().string() + " has schema version " + std::to_string(version) +
                "; this program knows versions up to " + std::to_string(known),
            named ? "open it with Paretoscope " + required.value() + " or newer" : "open it with a newer Paretoscope"};
}

Result<FileHeader> checkHeader(Database& database, const ProjectFiles& files)
{
    const std::int64_t size = stampOf(files.main).size;
    if (size == 0)
        return notAProject(files.main, "the file is empty");
    std::array<std::uint8_t, kHeaderBytes> bytes {};
    if (size < kHeaderBytes)
        return notAProject(files.main, "it has only " + std::to_string(size) + " bytes");
    PSC_TRY(database.readFile(0, bytes));
    if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
        return notAProject(files.main, "it is no SQLite file");
    if (const std::uint32_t id = bigEndian(bytes, 68, 4); id != static_cast<std::uint32_t>(kApplicationId))
        return notAProject(files.main,
                           id == 0 ? "it is a plain SQLite database" : "it is a SQLite database of another program");
    if (bigEndian(bytes, 56, 4) > 1)
        return damagedProject(files.main, "its text is not UTF-8");
    FileHeader header {.bytes = size};
    header.wal = bytes[18] == 2 || bytes[19] == 2;
    const std::uint32_t pageSize = bigEndian(bytes, 16, 2);
    header.pageSize = pageSize == 1 ? 65536 : pageSize;
    if (bigEndian(bytes, 24, 4) == bigEndian(bytes, 92, 4)) // else the page count is of an older writer
        header.pages = bigEndian(bytes, 28, 4);
    return header;
}

Error withSizeExplained(const Error& error, const FileHeader& header, const ProjectFiles& files)
{
    const std::int64_t size = stampOf(files.main).size;
    const std::int64_t expected = header.pages * header.pageSize;
    if (error.code != ErrorCode::Corrupt || size >= expected || stampOf(files.wal).size > 0)
        return error;
    return damagedProject(files.main, "it has " + std::to_string(size) + " of " + std::to_string(expected) +
                                          " bytes (an unfinished copy?)");
}

Result<std::int64_t> checkContent(Database& database, std::span<const Migration> steps, const FileHeader& header)
{
    PSC_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
    if (version > steps.back().version)
        return newerProject(database, version, steps.back().version);
    if (version < steps.front().version - 1 || version < 0)
        return damagedProject(database.name(), "schema version " + std::to_string(version) + " never existed");
    const auto known = static_cast<std::size_t>(version - (steps.front().version - 1));
    PSC_ASSIGN(const Schema expected, expectedSchema(steps.first(known)));
    PSC_ASSIGN(const Schema found, readSchema(database));
    PSC_TRY(refuseStrangeSchema(found, expected, database.name()));
    if (header.bytes > kQuickCheckBytes)
        return version;
    PSC_ASSIGN(const std::string verdict, database.text("PRAGMA quick_check(1)"));
    if (verdict != "ok")
        return unsoundProject(verdict, database.name());
    return version;
}

} // namespace paretoscope::core
