// SPDX-License-Identifier: Apache-2.0
#include "core/project/structure_check.h"

#include <array>
#include <sstream>

namespace paretoscope::core {

namespace {

constexpr const char* kRepair = "save what is readable into a new file with --repair-to";

/// What a line of integrity_check is about, by a part of its text. Source: SQLite 3.40, pragma.c and btree.c.
struct Complaint
{
    std::string_view part;
    const char* kind;
};
constexpr std::array kComplaints {
    Complaint {"missing from index", "index"},
    Complaint {"wrong # of entries in index", "index"},
    Complaint {"non-unique entry in index", "duplicate"},
    Complaint {"NULL value in", "null"},
    Complaint {"CHECK constraint failed", "constraint"},
    Complaint {" value in ", "type"}, // "TEXT value in trial.seed"
    Complaint {"row not in PRIMARY KEY order", "index"},
};

std::string kindOf(std::string_view complaint)
{
    for (const Complaint& known : kComplaints) {
        if (complaint.find(known.part) != std::string_view::npos)
            return known.kind;
    }
    return "page";
}

/// The table, index or page that a line names; the file's pages as a whole otherwise.
std::string placeOf(const std::string& complaint)
{
    for (const std::string_view before : {"index ", " value in ", "failed in ", "Page ", "page "}) {
        const std::size_t at = complaint.find(before);
        if (at == std::string::npos)
            continue;
        const std::size_t begin = at + before.size();
        const std::string name = complaint.substr(begin, complaint.find_first_of(" :,", begin) - begin);
        return (before == "index " ? "index " : before[1] == 'a' ? "page " : "table ") + name;
    }
    return "the pages of the file";
}

std::string quoted(const std::string& name)
{
    return "\"" + name + "\"";
}

} // namespace

void reportSchema(const Schema& found, const Schema& expected, VerifyReport& report)
{
    for (const SchemaDifference& difference : schemaDifferences(found, expected)) {
        Finding finding {.kind = "schema",
                         .where = difference.type + " " + quoted(difference.name),
                         .message = {},
                         .remedy = kRepair,
                         .repairable = true};
        switch (difference.kind) {
        case SchemaDifference::Kind::Foreign:
            finding.message = "no Paretoscope project has this " + difference.type;
            finding.remedy = "do not trust this file: ask whom you have it from; --repair-to leaves it out";
            break;
        case SchemaDifference::Kind::Changed:
            finding.message = "this " + difference.type + " is not defined as in a Paretoscope project";
            break;
        case SchemaDifference::Kind::Missing:
            finding.message = "this " + difference.type + " is missing" +
                              (difference.type == "table" ? ", with all rows it had" : "");
            break;
        }
        report.add(std::move(finding));
    }
}

void checkPages(Database& database, VerifyReport& report)
{
    const auto failed = [&report](const Error& error) {
        report.add({.kind = "page",
                    .where = "the pages of the file",
                    .message = error.message,
                    .remedy = kRepair,
                    .repairable = true});
    };
    Result<Statement> check = database.prepare("PRAGMA integrity_check(1000)");
    if (!check.ok())
        return failed(check.error());
    const Status read = check.value().forEachRow([&report](const Statement& row) {
        std::istringstream lines(row.text(0));
        for (std::string line; std::getline(lines, line);) {
            if (line == "ok" || line.starts_with("***")) // a heading
                continue;
            report.add(
                {.kind = kindOf(line), .where = placeOf(line), .message = line, .remedy = kRepair, .repairable = true});
        }
        return success();
    });
    if (!read.ok())
        failed(read.error());
}

void checkForeignKeys(Database& database, VerifyReport& report)
{
    Result<Statement> check = database.prepare("PRAGMA foreign_key_check");
    if (!check.ok())
        return; // said by the checks of schema and pages
    (void)check.value().forEachRow([&report](const Statement& row) {
        const std::string place = row.isNull(1) ? "table " + row.text(0) : row.text(0) + " " + row.text(1);
        report.add(
            {.kind = "foreign_key",
             .where = place,
             .message = "this row of " + row.text(0) + " refers to a row of " + row.text(2) + " that is not there",
             .remedy = kRepair,
             .repairable = true});
        return success();
    });
}

} // namespace paretoscope::core
