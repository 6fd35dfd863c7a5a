// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/project_argument.h"
#include "core/project/subset.h"

#include <filesystem>

namespace paretoscope::app {

namespace {

class CopyVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        OptionSpec& to =
            options.text("--to", "FILE", m_to, "The new project; a file that is there is refused without --force.");
        to.kind = ValueKind::Project;
        to.required = true;
        declareWhere(options, m_where);
        options.flag("--force", m_force, "Replace a file that is there.");
    }

    Outcome run(Session& session) override
    {
        std::error_code ignored;
        if (!m_force && std::filesystem::exists(m_to, ignored))
            return Outcome::usage(m_to + " exists", "give another name, or --force to replace it");
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        auto trials = project.value().trials();
        if (!trials.ok())
            return {trials.error(), ErrorSource::Project};
        const auto total = std::ssize(trials.value());
        const auto chosen = filtered(std::move(trials).value(), m_where);
        if (!chosen.ok())
            return {chosen.error(), ErrorSource::Arguments};
        if (chosen.value().empty() && total > 0)
            return Outcome::usage("no trial fulfils " + m_where, "`paretoscope list` shows the trials");
        const core::Status written = write(project.value(), chosen.value());
        if (!written.ok())
            return {written.error(), ErrorSource::Project};
        if (session.common.json)
            session.console.document({{"schema", "paretoscope.copy/1"},
                                      {"project", m_project.path()},
                                      {"copy", m_to},
                                      {"trials", chosen.value().size()},
                                      {"trials_left_out", total - std::ssize(chosen.value())}});
        else
            session.console.line(printable(m_to) + ": " + counted(std::ssize(chosen.value()), "trial") + " of " +
                                 std::to_string(total));
        return ExitStatus::Done;
    }

private:
    core::Status write(const core::ProjectStore& project, const std::vector<core::TrialRecord>& trials) const
    {
        if (m_where.empty())
            return core::copyProject(project, m_to);
        std::vector<core::TrialId> ids;
        for (const core::TrialRecord& trial : trials)
            ids.push_back(trial.id);
        return core::exportSubset(project, ids, m_to);
    }

    ProjectArgument m_project;
    std::string m_to;
    std::string m_where;
    bool m_force = false;
};

} // namespace

VerbEntry copyVerb()
{
    return {.name = "copy",
            .summary = "write a project, or some of its trials, as a new project",
            .usage = "PROJECT --to FILE [--where EXPR]",
            .description =
                "Writes a new project as one step, also while a sweep writes the old one: all of it, or with "
                "--where those trials and what belongs to them. Kept compressed models go along, without "
                "taking space twice on one file system. To hand a project on, `share` leaves out names and "
                "paths.\n"
                "  paretoscope copy demo.pscope --to backup.pscope\n"
                "  paretoscope copy demo.pscope --where 'bits <= 4' --to low-bits.pscope",
            .make = makeVerb<CopyVerb>};
}

} // namespace paretoscope::app
