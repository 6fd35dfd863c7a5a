// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/input.h"
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/verbs/verb.h"
#include "core/project/project_store.h"
#include "core/table/imported_trials.h"

#include <filesystem>

namespace paretoscope::app {

namespace {

class ImportTableVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& file = options.text("FILE", "", m_file, "A table as .csv, .tsv or .json.");
        file.kind = ValueKind::File;
        file.required = true;
        OptionSpec& project = options.text("--into", "PROJECT", m_project,
                                           "The project file that takes the trials; made when it does not exist.");
        project.kind = ValueKind::Project;
        project.required = true;
        options.text("--metrics", "NAME,...", m_metrics,
                     "Columns that are metrics although nothing in the table says so.");
        options.text("--maximise", "NAME,...", m_maximise, "Metrics of which more is better; our own are known.");
        options.text("--workload", "NAME", m_workload, "Name of the model, for rows that give none.");
    }

    Outcome run(Session& session) override
    {
        auto imported = read(session);
        if (!imported.ok())
            return imported.error();
        auto project = core::ProjectStore::open(m_project, core::OpenMode::Create);
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        for (const core::TrialRecord& trial : imported.value().trials) {
            if (const core::Status recorded = project.value().finishTrial(trial); !recorded.ok())
                return {recorded.error(), ErrorSource::Project};
        }
        report(imported.value(), session);
        return ExitStatus::Done;
    }

private:
    core::Result<core::ImportedTrials> read(const Session& session) const
    {
        PSC_ASSIGN(const std::string text, readFileOrInput(m_file, session.input));
        core::TableSource source;
        source.name = std::filesystem::path(m_file).filename().string();
        source.digest = core::sha256(text);
        source.workload = m_workload;
        for (std::string& name : splitAtCommas(m_metrics))
            source.metrics.insert(std::move(name));
        for (std::string& name : splitAtCommas(m_maximise)) {
            source.metrics.insert(name);
            source.maximise.insert(std::move(name));
        }
        if (std::filesystem::path(m_file).extension() == ".json") {
            PSC_ASSIGN(const core::Json document, core::parseJson(text, source.name));
            PSC_ASSIGN(const core::TextRows rows, core::rowsOfJson(document, source.name));
            return core::importTrials(rows, source);
        }
        PSC_ASSIGN(const core::TextRows rows, core::parseCsv(text, source.name));
        return core::importTrials(rows, source);
    }

    void report(const core::ImportedTrials& imported, Session& session) const
    {
        if (session.common.json) {
            core::Json ids = core::Json::array();
            for (const core::TrialRecord& trial : imported.trials)
                ids.push_back(trial.id.hex());
            session.console.document({{"schema", "paretoscope.import-table/1"},
                                      {"project", m_project},
                                      {"trials", std::move(ids)},
                                      {"metrics", imported.metrics},
                                      {"parameters", imported.parameters}});
            return;
        }
        session.console.line(counted(static_cast<std::int64_t>(imported.trials.size()), "trial") + " from " + m_file +
                             " into " + m_project);
        const auto list = [&](std::string_view title, const std::vector<std::string>& names) {
            std::string text;
            for (const std::string& name : names)
                text += (text.empty() ? "" : ", ") + name;
            if (!text.empty())
                session.console.note(std::string(title) + ": " + printable(text));
        };
        list("metrics", imported.metrics);
        list("parameters", imported.parameters);
    }

    std::string m_file;
    std::string m_project;
    std::string m_metrics;
    std::string m_maximise;
    std::string m_workload;
};

} // namespace

VerbEntry importTableVerb()
{
    return {.name = "import-table",
            .summary = "take trials from a table into a project",
            .usage = "FILE --into PROJECT [options]",
            .description =
                "Takes trials from a CSV or JSON table: one that export-table wrote, Optuna's, or any with one "
                "row per trial. Known names are recognised, other columns are parameters; what was taken for "
                "what is said. Numbers without a protocol stay apart from measured ones. Reading the same "
                "table again changes nothing.\n"
                "  paretoscope import-table colleague.csv --into demo.pscope\n"
                "  paretoscope import-table study.csv --into study.pscope --metrics value --workload tiny-llama",
            .make = makeVerb<ImportTableVerb>};
}

} // namespace paretoscope::app
