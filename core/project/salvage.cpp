// SPDX-License-Identifier: Apache-2.0
#include "core/project/salvage.h"

#include "core/project/artifact/artifact_check.h"
#include "core/project/fresh_page.h"
#include "core/project/mended_copy.h"
#include "core/project/new_project.h"
#include "core/project/project_row.h"
#include "core/project/row_mender.h"
#include "core/project/schema_check.h"

#include <algorithm>
#include <numeric>

namespace paretoscope::core {

namespace {

constexpr std::size_t kNamedLosses = 20;

/// Enters the rows of one table into the new file.
class TableWriter
{
public:
    static Result<TableWriter> make(Database& target, const TableShape& table)
    {
        std::string places;
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            places += i == 0 ? "?" : ", ?";
        PSC_ASSIGN(Statement insert, target.prepare("INSERT INTO " + table.name + " (" + table.columnList() +
                                                    ") VALUES (" + places + ")"));
        return TableWriter(table, std::move(insert));
    }

    void take(RowMender& mender, Row row)
    {
        const std::string name = mender.nameOf(m_table, row);
        const RowMender::Verdict verdict = mender.mend(m_table, row);
        if (verdict.lost.empty()) {
            for (std::size_t i = 0; i < row.size(); ++i)
                bindValue(m_insert, static_cast<int>(i) + 1, row[i]);
            if (const Status entered = m_insert.run(); !entered.ok())
                return lose(name, "a row like it is there already, or a value does not fit");
            mender.entered(m_table, row);
            ++m_result.kept;
            m_result.mended += verdict.changed ? 1 : 0;
            return;
        }
        lose(name, verdict.lost);
    }

    SalvagedTable result(std::int64_t unreadable) &&
    {
        m_result.unreadable = unreadable;
        return std::move(m_result);
    }

private:
    TableWriter(const TableShape& table, Statement insert)
        : m_table(table)
        , m_insert(std::move(insert))
        , m_result {.name = table.name, .losses = {}}
    {}
    void lose(const std::string& name, const std::string& why)
    {
        ++m_result.lost;
        if (m_result.losses.size() < kNamedLosses)
            m_result.losses.push_back(name + ": " + why);
    }

    const TableShape& m_table;
    Statement m_insert;
    SalvagedTable m_result;
};

/// What can be told only when all rows are there. A trial whose run is lost has to be run again.
constexpr std::string_view kAfterwards =
    "UPDATE trial SET attempts = max(attempts, "
    "coalesce((SELECT max(number) FROM attempt a WHERE a.trial_id = trial.id), 0));"
    "UPDATE trial SET status = 'interrupted' WHERE status = 'done' AND "
    "NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial_id = trial.id);"
    "DELETE FROM artifact_chunk WHERE artifact_id IN (SELECT id FROM artifact WHERE state <> 'embedded')";

/// The row about the file is kept, or made anew when it is lost.
Status completeProjectRow(Database& target, std::span<const Migration> steps)
{
    PSC_ASSIGN(const std::int64_t rows, target.integer("SELECT count(*) FROM project"));
    if (rows == 0)
        PSC_TRY(insertProjectRow(target));
    return setRequiredProgram(target, steps.back().programVersion);
}

Result<std::vector<SalvagedTable>> copyRows(Database& source, Database& target, std::span<const Migration> steps,
                                            const std::filesystem::path& artifacts)
{
    PSC_ASSIGN(const std::vector<TableShape> tables, tableShapes(steps));
    std::vector<SalvagedTable> results;
    RowMender mender(source, artifacts);
    PSC_ASSIGN(Transaction transaction, Transaction::begin(target, Transaction::Kind::Write));
    for (const TableShape& table : tables) {
        if (table.name == "project") // the row that a new project has gives way
            PSC_TRY(target.execute("DELETE FROM project"));
        {
            PSC_ASSIGN(TableWriter writer, TableWriter::make(target, table));
            std::int64_t unreadable = 0;
            if (table.name == "stage")
                mender.stagesOfPipelines([&](Row row) { writer.take(mender, std::move(row)); });
            else
                unreadable = readAround(source, table, [&](Row row) { writer.take(mender, std::move(row)); });
            SalvagedTable result = std::move(writer).result(unreadable);
            if (result.kept + result.lost + result.unreadable > 0)
                results.push_back(std::move(result));
        }
        if (table.name == "project")
            PSC_TRY(completeProjectRow(target, steps));
    }
    PSC_TRY(target.execute(kAfterwards));
    PSC_TRY(transaction.commit());
    return results;
}

std::int64_t keptOf(const std::vector<SalvagedTable>& tables, std::string_view name)
{
    const auto found =
        std::find_if(tables.begin(), tables.end(), [&](const auto& table) { return table.name == name; });
    return found != tables.end() ? found->kept : 0;
}

std::int64_t keptOfAll(const std::vector<SalvagedTable>& tables)
{
    return std::accumulate(tables.begin(), tables.end(), std::int64_t(0),
                           [](std::int64_t sum, const SalvagedTable& table) { return sum + table.kept; });
}

/// One that misses a table or another is copied as it is.
bool hasOurTables(Database& database, const std::vector<TableShape>& tables)
{
    const Result<Schema> schema = readSchema(database);
    return schema.ok() && std::all_of(tables.begin(), tables.end(),
                                      [&](const TableShape& table) { return schema.value().contains(table.name); });
}

/// The same with a list of tables as a project has it when it is new, or when it was compacted.
Result<std::vector<SalvagedTable>> copyRowsWith(FreshPage::Layout layout, const PrivateCopy& copy,
                                                const ProjectFiles& project, NewProject& target,
                                                const StoreEnvironment& environment)
{
    PSC_ASSIGN(const FreshPage page, FreshPage::make(environment.steps, layout));
    PSC_TRY(page.putInto(copy.files().main));
    PSC_ASSIGN(Database source, openMended(copy, project));
    PSC_TRY(target.startAgain());
    return copyRows(source, target.database(), environment.steps, artifactFolderOf(project.main));
}

/// Copies rows with the list of tables that the file has; where that is broken, with the one that finds most.
Result<std::vector<SalvagedTable>> copyRowsSomehow(const PrivateCopy& copy, const ProjectFiles& project,
                                                   NewProject& target, const StoreEnvironment& environment)
{
    {
        PSC_ASSIGN(const std::vector<TableShape> tables, tableShapes(environment.steps));
        PSC_ASSIGN(Database source, openMended(copy, project));
        if (hasOurTables(source, tables))
            return copyRows(source, target.database(), environment.steps, artifactFolderOf(project.main));
    }
    using Layout = FreshPage::Layout;
    PSC_ASSIGN(const auto asNew, copyRowsWith(Layout::New, copy, project, target, environment));
    PSC_ASSIGN(const auto asCompacted, copyRowsWith(Layout::Compacted, copy, project, target, environment));
    if (keptOfAll(asCompacted) > keptOfAll(asNew))
        return asCompacted;
    return copyRowsWith(Layout::New, copy, project, target, environment);
}

/// Kept artifacts follow the new file; those that are not sound were marked as dropped on the way.
Result<std::int64_t> copyArtifacts(Database& target, const std::filesystem::path& from, const std::filesystem::path& to)
{
    std::int64_t copied = 0;
    PSC_ASSIGN(Statement query, target.prepare("SELECT sha256 FROM artifact WHERE state = 'kept'"));
    PSC_TRY(query.forEachRow([&](const Statement& row) -> Status {
        std::error_code failure;
        std::filesystem::create_directories(to, failure);
        if (!failure)
            std::filesystem::copy_file(from / row.text(0), to / row.text(0),
                                       std::filesystem::copy_options::overwrite_existing, failure);
        if (failure)
            return Error {ErrorCode::Io,
                          "cannot copy the artifact " + row.text(0) + " to " + to.string() + ": " + failure.message(),
                          "free space there, or give another place"};
        ++copied;
        return success();
    }));
    return copied;
}

} // namespace

Result<SalvageReport> salvageProject(const std::filesystem::path& project, const std::filesystem::path& target,
                                     const StoreEnvironment& environment)
{
    const ProjectFiles files = ProjectFiles::of(project);
    SalvageReport report;
    PSC_ASSIGN(const PrivateCopy copy, mendedCopy(files, environment, report.source));
    {
        PSC_ASSIGN(Database database, openMended(copy, files));
        if (readSchema(database).ok())
            PSC_TRY(knownSteps(database, environment.steps, report.source));
    }
    PSC_ASSIGN(NewProject made, NewProject::at(target, environment.steps));
    PSC_ASSIGN(report.tables, copyRowsSomehow(copy, files, made, environment));
    if (keptOf(report.tables, "trial") == 0 && keptOf(report.tables, "workload") == 0)
        return Error {ErrorCode::Corrupt, "nothing of " + files.main.string() + " could be read",
                      "restore a backup copy"};
    PSC_ASSIGN(report.artifacts,
               copyArtifacts(made.database(), artifactFolderOf(files.main), artifactFolderOf(made.path())));
    PSC_TRY(made.finish());
    PSC_ASSIGN(report.result, verifyProject(target, environment));
    return report;
}

} // namespace paretoscope::core
