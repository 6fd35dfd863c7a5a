// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/share/share.h"
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/project_argument.h"

#include <filesystem>

namespace paretoscope::app {

namespace {

class ShareVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        OptionSpec& to =
            options.text("--to", "FILE", m_to, "The copy; a file that is there is refused without --force.");
        to.kind = ValueKind::Project;
        to.required = true;
        options.flag("--with-artifacts", m_withArtifacts, "Put the kept compressed models into the file.");
        options.flag("--force", m_force, "Replace a file that is there.");
    }

    Outcome run(Session& session) override
    {
        std::error_code ignored;
        if (!m_force && std::filesystem::exists(m_to, ignored))
            return Outcome::usage(m_to + " exists", "give another name, or --force to replace it");
        const auto shared = core::shareProject(m_project.path(), m_to, m_withArtifacts);
        if (!shared.ok())
            return {shared.error(), ErrorSource::Project};
        const core::ShareReport& report = shared.value();
        if (session.common.json) {
            session.console.document({{"schema", "paretoscope.share/1"},
                                      {"project", m_project.path()},
                                      {"copy", m_to},
                                      {"bytes", report.bytes},
                                      {"cells_redacted", report.cells},
                                      {"names_replaced", report.names},
                                      {"artifacts_embedded", report.artifactsEmbedded},
                                      {"artifacts_left_out", report.artifactsLeftOut}});
            return ExitStatus::Done;
        }
        session.console.line(m_to + " (" + decimalBytes(report.bytes) + "): " + counted(report.cells, "text") +
                             " without paths, hosts, users, logs and keys");
        std::string names;
        for (const std::string& name : report.names)
            names += (names.empty() ? "" : ", ") + printable(name);
        if (!names.empty())
            session.console.note("names that were replaced: " + names);
        if (report.artifactsEmbedded > 0)
            session.console.note(counted(report.artifactsEmbedded, "artifact") + " put into the file");
        if (report.artifactsLeftOut > 0)
            session.console.note(counted(report.artifactsLeftOut, "artifact") +
                                 " left out; --with-artifacts puts them into the file");
        return ExitStatus::Done;
    }

private:
    ProjectArgument m_project;
    std::string m_to;
    bool m_withArtifacts = false;
    bool m_force = false;
};

} // namespace

VerbEntry shareVerb()
{
    return {.name = "share",
            .summary = "write a copy of a project to hand on",
            .usage = "PROJECT --to FILE [--with-artifacts]",
            .description =
                "Writes one file with everything that was measured and without what tells of machines and "
                "persons: paths keep their last part, names of hosts and users are replaced, the ends of logs "
                "and whatever looks like a key are left out. Notes are kept; read yours before handing on.\n"
                "  paretoscope share demo.pscope --to for-reviewers.pscope",
            .make = makeVerb<ShareVerb>};
}

} // namespace paretoscope::app
