// SPDX-License-Identifier: Apache-2.0
#include "core/project/content_check.h"

#include "core/project/cell_check.h"

#include <array>
#include <optional>

namespace paretoscope::core {

namespace {

constexpr const char* kRepairRow = "a copy made with --repair-to is without this row";
constexpr const char* kRepairCell = "a copy made with --repair-to is without this value";

std::optional<CellComplaint> wrongCell(const Statement& row, int index, const std::string& column)
{
    switch (row.kind(index)) {
    case Statement::Kind::Text:
        return wrongText(column, row.rawText(index));
    case Statement::Kind::Integer:
    case Statement::Kind::Real:
        return wrongNumber(column, row.real(index));
    case Statement::Kind::Blob:
        return wrongBlob(column, row.blob(index).size());
    case Statement::Kind::Null:
        break;
    }
    return std::nullopt;
}

Status checkTable(Database& database, const TableShape& table, VerifyReport& report)
{
    PSC_ASSIGN(Statement query, database.prepare("SELECT " + table.columnList() + " FROM " + table.name));
    return query.forEachRow([&](const Statement& row) {
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const std::string& column = table.columns[i];
            const std::optional<CellComplaint> complaint =
                wrongCell(row, static_cast<int>(i), table.name + "." + column);
            if (complaint)
                report.add({.kind = complaint->kind,
                            .where = rowName(table, row) + ", " + column,
                            .message = column + " is wrong: " + complaint->what,
                            .remedy = kRepairCell,
                            .repairable = true});
        }
        return success();
    });
}

/// A question to the whole project whose answer should be nothing; the columns of an answer are the place and a text.
struct Question
{
    const char* kind;
    std::string_view sql;
    std::string_view message; ///< followed by the text
    bool repairable = true;
};

constexpr std::array kQuestions {
    Question {"duplicate",
              "SELECT 'trial ' || group_concat(id), lower(hex(hash)) FROM trial NOT INDEXED GROUP BY +hash "
              "HAVING count(*) > 1",
              "several trials have the id "},
    Question {"duplicate",
              "SELECT 'pipeline ' || group_concat(id), lower(hex(sha256)) FROM pipeline NOT INDEXED GROUP BY +sha256 "
              "HAVING count(*) > 1",
              "several pipelines have the hash "},
    Question {"duplicate",
              "SELECT 'attempt ' || group_concat(id), trial_id FROM attempt NOT INDEXED GROUP BY +trial_id, +number "
              "HAVING count(*) > 1",
              "several runs have the same number, of trial "},
    Question {"duplicate",
              "SELECT 'trial_metric ' || group_concat(id), trial_id FROM trial_metric NOT INDEXED "
              "GROUP BY +trial_id, +metric_id, +replicate HAVING count(*) > 1",
              "several values have the same place, of trial "},
    Question {"attempt",
              "SELECT 'trial ' || t.id, max(a.number) FROM trial t JOIN attempt a ON a.trial_id = t.id GROUP BY t.id "
              "HAVING max(a.number) > t.attempts",
              "it counts fewer runs than the number of the newest one, "},
    Question {"attempt",
              "SELECT 'trial ' || id, attempts FROM trial t WHERE status = 'done' AND "
              "NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial_id = t.id)",
              "it is done, but no run of it is recorded; runs counted: ", false},
    Question {"attempt",
              "SELECT 'attempt ' || id, finished_utc FROM attempt WHERE started_utc <> '' AND finished_utc <> '' "
              "AND finished_utc < started_utc",
              "it ended before it started, at "},
    Question {
        "replicate",
        "SELECT 'trial_metric ' || min(id), trial_id FROM trial_metric NOT INDEXED GROUP BY +trial_id, +metric_id "
        "HAVING min(replicate) <> 0 OR max(replicate) + 1 <> count(DISTINCT replicate)",
        "values of the metric are missing before this one, of trial "},
    Question {"contradiction",
              "SELECT 'trial_metric ' || m.id, a.trial_id FROM trial_metric m JOIN attempt a ON a.id = m.attempt_id "
              "WHERE a.trial_id <> m.trial_id",
              "the run that measured it is one of another trial, "},
    Question {"contradiction",
              "SELECT 'trial_metric ' || id, trial_id FROM trial_metric WHERE value IS NULL AND "
              "standard_error NOTNULL",
              "it has a standard error but no value, of trial "},
    Question {"blob",
              "SELECT 'activation_profile ' || id, length(maxima) FROM activation_profile WHERE "
              "length(maxima) <> 4 * layers * max(experts, 1)",
              "the maxima have another size than layers and experts say, bytes: "},
    Question {"blob",
              "SELECT 'activation_profile ' || id, length(routed_tokens) FROM activation_profile WHERE "
              "length(routed_tokens) <> 8 * layers * experts",
              "the routed tokens have another size than layers and experts say, bytes: "},
    Question {"project", "SELECT 'project', count(*) FROM project HAVING count(*) <> 1",
              "there should be one row about the file, rows: "},
};

} // namespace

void checkCells(Database& database, std::span<const TableShape> tables, VerifyReport& report)
{
    for (const TableShape& table : tables)
        (void)checkTable(database, table, report); // that it cannot be read is said by the check of the pages
}

void checkRows(Database& database, VerifyReport& report)
{
    for (const Question& question : kQuestions) {
        Result<Statement> query = database.prepare(question.sql);
        if (!query.ok())
            continue; // a table is missing, which is said
        (void)query.value().forEachRow([&](const Statement& row) {
            report.add({.kind = question.kind,
                        .where = row.text(0),
                        .message = std::string(question.message) + row.text(1),
                        .remedy = question.repairable ? kRepairRow : "run the trial again",
                        .repairable = question.repairable});
            return success();
        });
    }
}

} // namespace paretoscope::core
