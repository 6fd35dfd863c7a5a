// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/compact.h"
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/verb.h"

namespace paretoscope::app {

namespace {

class CompactVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& project = options.text("PROJECT", "", m_path, "The project file (*.pscope) to rewrite.");
        project.kind = ValueKind::Project;
        project.required = true;
    }

    Outcome run(Session& session) override
    {
        const auto report = core::compactProject(m_path);
        if (!report.ok())
            return {report.error(), ErrorSource::Project};
        if (session.common.json)
            session.console.document({{"schema", "paretoscope.compact/1"},
                                      {"project", m_path},
                                      {"bytes_before", report.value().bytesBefore},
                                      {"bytes_after", report.value().bytesAfter}});
        else
            session.console.line(printable(m_path + ": " + grouped(report.value().bytesBefore) + " bytes before, " +
                                           grouped(report.value().bytesAfter) + " after"));
        return ExitStatus::Done;
    }

private:
    std::string m_path;
};

} // namespace

VerbEntry compactVerb()
{
    return {.name = "compact",
            .summary = "rewrite a project without the space of what was deleted",
            .usage = "PROJECT",
            .description = "Rewrites a project as one step: the new file is complete and on the disk before it takes "
                           "the place of the old one. Needs room for a second file; refused while a sweep writes.\n"
                           "  paretoscope compact demo.pscope",
            .make = makeVerb<CompactVerb>};
}

} // namespace paretoscope::app
