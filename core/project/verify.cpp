// SPDX-License-Identifier: Apache-2.0
#include "core/project/verify.h"

#include "core/project/artifact/artifact_check.h"
#include "core/project/content_check.h"
#include "core/project/file_check.h"
#include "core/project/identity_check.h"
#include "core/project/mended_copy.h"
#include "core/project/sqlite_error.h"
#include "core/project/structure_check.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kKeptOfAKind = 100;

constexpr std::string_view kCountTrials = "SELECT count(*) FROM trial NOT INDEXED WHERE deleted_utc IS NULL";

/// Whether anything of it is ours, given that its header says otherwise.
bool looksLikeAProject(const Schema& found)
{
    return found.contains("project") && found.contains("trial") && found.contains("pipeline");
}

} // namespace

void VerifyReport::add(Finding finding)
{
    if (++m_counts[finding.kind] <= kKeptOfAKind)
        findings.push_back(std::move(finding));
}

void VerifyReport::noteWhatWasLeftOut()
{
    for (const auto& [kind, count] : m_counts) {
        if (count > kKeptOfAKind)
            notes.push_back(std::to_string(count - kKeptOfAKind) + " more findings of kind " + kind +
                            " are left out here");
    }
}

Result<VerifyReport> verifyProject(const std::filesystem::path& project, const StoreEnvironment& environment)
{
    const ProjectFiles files = ProjectFiles::of(project);
    VerifyReport report;
    PSC_ASSIGN(const PrivateCopy copy, mendedCopy(files, environment, report));
    PSC_ASSIGN(Database database, openMended(copy, files));
    const Result<Schema> found = readSchema(database);
    if (!found.ok()) {
        report.add({.kind = "schema",
                    .where = files.main.filename().string(),
                    .message = "the list of its tables cannot be read: " + found.error().message,
                    .remedy = "save what is readable into a new file with --repair-to",
                    .repairable = true});
        report.noteWhatWasLeftOut();
        return report;
    }
    if (!looksLikeAProject(found.value()) && std::any_of(report.findings.begin(), report.findings.end(),
                                                         [](const Finding& f) { return f.kind == "header"; }))
        return notAProject(files.main, "it has neither the application id nor the tables of one");
    PSC_ASSIGN(const std::size_t steps, knownSteps(database, environment.steps, report));
    PSC_ASSIGN(const Schema expected, expectedSchema(environment.steps.first(steps)));
    PSC_ASSIGN(const std::vector<TableShape> tables, tableShapes(environment.steps.first(steps)));
    reportSchema(found.value(), expected, report);
    checkPages(database, report);
    checkForeignKeys(database, report);
    checkCells(database, tables, report);
    checkRows(database, report);
    checkIdentities(database, report);
    checkArtifacts(database, files.main, report);
    report.trials = database.integer(kCountTrials).ok() ? database.integer(kCountTrials).value() : 0;
    report.noteWhatWasLeftOut();
    return report;
}

} // namespace paretoscope::core
