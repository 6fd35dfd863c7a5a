// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/verify.h"
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/project_argument.h"
#include "core/project/salvage.h"

namespace paretoscope::app {

namespace {

core::Json findingsJson(const core::VerifyReport& report)
{
    core::Json findings = core::Json::array();
    for (const core::Finding& finding : report.findings)
        findings.push_back({{"kind", finding.kind},
                            {"where", finding.where},
                            {"message", finding.message},
                            {"remedy", finding.remedy},
                            {"repairable", finding.repairable}});
    return findings;
}

core::Json reportJson(const core::VerifyReport& report)
{
    return {{"ok", report.findings.empty()},
            {"findings", findingsJson(report)},
            {"notes", report.notes},
            {"trials", report.trials}};
}

core::Json repairJson(const core::SalvageReport& salvage, const std::string& target)
{
    core::Json tables = core::Json::array();
    for (const core::SalvagedTable& table : salvage.tables)
        tables.push_back({{"table", table.name},
                          {"kept", table.kept},
                          {"mended", table.mended},
                          {"lost", table.lost},
                          {"unreadable", table.unreadable},
                          {"losses", table.losses}});
    core::Json json = reportJson(salvage.result);
    json["file"] = target;
    json["tables"] = tables;
    json["artifacts"] = salvage.artifacts;
    return json;
}

void printReport(const core::VerifyReport& report, const std::string& path, Console& console)
{
    for (const core::Finding& finding : report.findings)
        console.line(
            printable(finding.where + ": " + finding.message + " [" + finding.kind + "] (" + finding.remedy + ")"));
    for (const std::string& note : report.notes)
        console.note(printable("note: " + note));
    if (report.findings.empty())
        console.line(printable(path + " is sound: " + counted(report.trials, "trial")));
    else
        console.note(printable(path +
                               " is damaged: " + counted(static_cast<std::int64_t>(report.findings.size()), "finding") +
                               ", " + counted(report.trials, "trial") + " counted"));
}

void printTables(const core::SalvageReport& salvage, Console& console)
{
    for (const core::SalvagedTable& table : salvage.tables) {
        std::string line = table.name + ": " + counted(table.kept, "row") + " kept";
        if (table.mended > 0)
            line += ", " + grouped(table.mended) + " of them mended";
        if (table.lost > 0)
            line += ", " + grouped(table.lost) + " lost";
        if (table.unreadable > 0)
            line += ", " + counted(table.unreadable, "place") + " could not be read";
        console.line(printable(line));
        for (const std::string& loss : table.losses)
            console.line(printable("  lost " + loss));
    }
    if (salvage.artifacts > 0)
        console.line(counted(salvage.artifacts, "artifact") + " copied");
}

class VerifyVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        options
            .text("--repair-to", "FILE", m_target,
                  "Save all that can be read into this new project; the damaged one is not changed.")
            .kind = ValueKind::Project;
    }

    Outcome run(Session& session) override
    {
        const auto report = core::verifyProject(m_project.path());
        if (!report.ok() && (m_target.empty() || report.error().code != core::ErrorCode::Corrupt))
            return {report.error(), ErrorSource::Project};
        core::Json document = report.ok() ? reportJson(report.value()) : core::Json::object();
        document["schema"] = "paretoscope.verify/1";
        if (report.ok() && !session.common.json)
            printReport(report.value(), m_project.path(), session.console);
        if (!m_target.empty())
            return repair(std::move(document), session);
        if (session.common.json)
            session.console.document(document);
        return report.value().findings.empty() ? ExitStatus::Done : ExitStatus::InvalidInput;
    }

private:
    Outcome repair(core::Json document, Session& session)
    {
        const auto salvage = core::salvageProject(m_project.path(), m_target);
        if (!salvage.ok())
            return {salvage.error(), ErrorSource::Project};
        if (session.common.json) {
            document["repair"] = repairJson(salvage.value(), m_target);
            session.console.document(document);
        } else {
            printTables(salvage.value(), session.console);
            printReport(salvage.value().result, m_target, session.console);
        }
        return salvage.value().result.findings.empty() ? ExitStatus::Done : ExitStatus::InvalidInput;
    }

    ProjectArgument m_project;
    std::string m_target;
};

} // namespace

VerbEntry verifyVerb()
{
    return {.name = "verify",
            .summary = "examine a project in full, and save what a damaged one still holds",
            .usage = "PROJECT [--repair-to FILE]",
            .description =
                "Examines a project: every page, row, reference and hash, trial ids that can be computed again, "
                "artifacts, and what lies beside the file. Prints one line for each finding: where, what, the kind, "
                "and the remedy. Works on a private copy, so nothing is changed, also while a sweep runs. Exit status "
                "0: sound; 4: damaged, with --repair-to only when the new file is.\n"
                "  paretoscope verify demo.pscope\n"
                "  paretoscope verify damaged.pscope --repair-to saved.pscope",
            .make = makeVerb<VerifyVerb>};
}

} // namespace paretoscope::app
