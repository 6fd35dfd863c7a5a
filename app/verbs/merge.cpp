// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/merge/merge.h"
#include "app/format/conflict_text.h"
#include "app/format/number.h"
#include "app/verbs/verb.h"
#include "core/project/artifact/artifacts.h"

namespace paretoscope::app {

namespace {

std::string countedTrials(std::int64_t number)
{
    return counted(number, "trial");
}

class MergeVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& sources = options.list("SOURCE", "", m_sources,
                                           "Projects (*.pscope, also while they are written), shards (*.psl) that "
                                           "cluster nodes wrote, or folders of shards.");
        sources.kind = ValueKind::Project;
        sources.required = true;
        OptionSpec& into =
            options.text("--into", "PROJECT", m_into, "The project that takes them; made when it does not exist.");
        into.kind = ValueKind::Project;
        into.required = true;
        options.flag("--dry-run", m_dryRun,
                     "Say what would be added and which measurements contradict; write nothing.");
    }

    Outcome run(Session& session) override
    {
        const auto merged = core::mergeProjects({m_sources.begin(), m_sources.end()}, m_into, m_dryRun);
        if (!merged.ok())
            return {merged.error(), ErrorSource::Project};
        if (!m_dryRun) {
            const core::Status gathered = gather(merged.value(), session.console);
            if (!gathered.ok())
                return {gathered.error(), ErrorSource::Project};
        }
        if (session.common.json)
            session.console.document(document(merged.value()));
        else
            print(merged.value(), session.console);
        return ExitStatus::Done;
    }

private:
    /// The kept compressed models lie beside the sources.
    core::Status gather(const core::MergeReport& report, Console& console) const
    {
        std::vector<std::filesystem::path> sources;
        for (const core::MergeReport::Source& source : report.sources)
            sources.push_back(source.file);
        PSC_ASSIGN(const core::ArtifactGathering gathered, core::gatherArtifacts(sources, m_into));
        if (gathered.files > 0)
            console.note(counted(gathered.files, "kept artifact") + " brought along");
        if (gathered.missing > 0)
            console.note(counted(gathered.missing, "kept artifact") + " is nowhere beside the sources; dropped");
        return core::success();
    }

    core::Json document(const core::MergeReport& report) const
    {
        core::Json sources = core::Json::array();
        for (const core::MergeReport::Source& source : report.sources)
            sources.push_back(
                {{"file", source.file.string()}, {"trials", source.trials}, {"torn_bytes", source.tornBytes}});
        return {{"schema", "paretoscope.merge/1"},
                {"project", m_into},
                {"dry_run", m_dryRun},
                {"sources", std::move(sources)},
                {"trials", report.trials},
                {"trials_added", report.trialsAdded},
                {"measurements_added", report.measurementsAdded},
                {"changed", report.rowsWritten > 0},
                {"conflicts", conflictsJson(report.conflicts)}};
    }

    void print(const core::MergeReport& report, Console& console) const
    {
        for (const core::MergeReport::Source& source : report.sources) {
            console.note(source.file.string() + ": " + countedTrials(source.trials));
            if (source.tornBytes > 0)
                console.note("  its last record was not finished (" + decimalBytes(source.tornBytes) +
                             "); the trial of it is run again when the shard goes on");
        }
        const std::string added =
            countedTrials(report.trialsAdded) + " and " + counted(report.measurementsAdded, "measurement");
        if (m_dryRun)
            console.line("would add " + added + " to " + m_into);
        else if (report.rowsWritten == 0)
            console.line("nothing to add: " + m_into + " holds all of it (" + countedTrials(report.trials) + ")");
        else
            console.line("added " + added + " to " + m_into + ", which now has " + countedTrials(report.trials));
        console.write(conflictsText(report.conflicts));
        if (!report.conflicts.empty())
            console.note("All values are kept; the one listed first is shown. The same result measured under the same "
                         "conditions should give the same number: look at host, device and build.");
    }

    std::vector<std::string> m_sources;
    std::string m_into;
    bool m_dryRun = false;
};

} // namespace

VerbEntry mergeVerb()
{
    return {.name = "merge",
            .summary = "unite projects and shards",
            .usage = "SOURCE... --into PROJECT [--dry-run]",
            .description =
                "Unites what projects say, complete or not at all. Merging the same again changes nothing, and "
                "the order of the sources does not matter. Measurements of one result that contradict each "
                "other are all kept and listed with where they come from.\n"
                "  paretoscope merge mine.pscope colleague.pscope --into both.pscope\n"
                "  paretoscope merge results/ --into sweep.pscope",
            .make = makeVerb<MergeVerb>};
}

} // namespace paretoscope::app
