// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/text.h"
#include "app/format/trial_columns.h"
#include "app/verbs/predicted_columns.h"
#include "app/verbs/project_argument.h"
#include "core/base/mapped_file.h"
#include "core/project/roofline_point.h"
#include "core/query/trial_fields.h"
#include "core/table/exact_table.h"

namespace paretoscope::app {

namespace {

class ExportTableVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        options
            .choice("--format", m_format, {"csv", "json", "markdown", "latex"},
                    "csv and json are exact, with units and protocols; markdown and latex are rounded for a paper.")
            .defaultText = m_format;
        options
            .choice("--table", m_table, {"trials", "metrics", "layers", "predictions"},
                    "One row per trial, per measurement with all its conditions, per number about a layer, or per "
                    "prediction that roofline --record kept.")
            .defaultText = m_table;
        declareWhere(options, m_where);
        options.text("--columns", "NAME,...", m_columns,
                     "Of the table of trials; all that there are unless given. Also predicted_NAME@DEVICE.");
        m_predictions.declare(options);
        options.text("--out", "FILE", m_out, "Write to this file, complete or not at all, instead of stdout.").kind =
            ValueKind::File;
    }

    Outcome run(Session& session) override
    {
        if (!m_columns.empty() && m_table != "trials")
            return Outcome::usage("--columns goes with --table trials", "leave one of them out");
        if (m_table != "trials" && (m_format == "markdown" || m_format == "latex"))
            return Outcome::usage("the table of " + m_table + " is written as csv or json", "choose --format csv");
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        auto all = project.value().trials();
        if (!all.ok())
            return {all.error(), ErrorSource::Project};
        std::vector<std::string> columns;
        for (const std::string& column : splitAtCommas(m_columns))
            columns.push_back(withoutQuotes(column));
        if (const core::Status added = m_predictions.addTo(all.value(), columns, m_where, project.value(), session);
            !added.ok())
            return {added.error(), ErrorSource::Arguments};
        const std::vector<std::string> known = core::fieldNames(all.value());
        auto trials = filtered(std::move(all).value(), m_where);
        if (!trials.ok())
            return {trials.error(), ErrorSource::Arguments};
        if (const core::Status status = checkColumns(columns, known); !trials.value().empty() && !status.ok())
            return {status.error(), ErrorSource::Arguments};
        if (m_table == "layers") {
            for (core::TrialRecord& trial : trials.value()) {
                auto complete = project.value().trial(trial.id);
                if (!complete.ok())
                    return {complete.error(), ErrorSource::Project};
                trial = std::move(complete).value();
            }
        }
        std::vector<core::RooflinePoint> predictions;
        if (m_table == "predictions") {
            auto read = project.value().rooflinePoints();
            if (!read.ok())
                return {read.error(), ErrorSource::Project};
            predictions = std::move(read).value();
        }
        return deliver(textOf(trials.value(), columns, predictions, session), session);
    }

private:
    std::string textOf(const std::vector<core::TrialRecord>& trials, const std::vector<std::string>& columns,
                       const std::vector<core::RooflinePoint>& predictions, const Session& session) const
    {
        if (m_format == "markdown" || m_format == "latex") {
            const TextTable table = trialTable(trials, columns.empty() ? usualColumns(trials) : columns);
            return m_format == "markdown" ? core::asMarkdown(table.rows()) : core::asLatex(table.rows());
        }
        const core::ExactTable table =
            m_table == "metrics"  ? core::metricTable(trials)
            : m_table == "layers" ? core::layerTable(trials)
            : m_table == "predictions"
                ? core::predictionTable(predictions, trials)
                : core::exactTable(trials, columns.empty() ? core::usualExactColumns(trials) : columns);
        if (m_format == "csv" && !session.common.json)
            return core::asCsv(core::textRows(table));
        core::Json json = core::toJson(table);
        json["schema"] = "paretoscope.export-table/1";
        json["project"] = m_project.path();
        json["table"] = m_table;
        return json.dump(-1, ' ', false, core::Json::error_handler_t::replace) + "\n";
    }

    Outcome deliver(const std::string& text, Session& session) const
    {
        if (m_out.empty()) {
            session.console.write(text);
            return ExitStatus::Done;
        }
        PSC_TRY(core::writeFileAtomically(m_out, text));
        session.console.note("written to " + m_out);
        return ExitStatus::Done;
    }

    ProjectArgument m_project;
    std::string m_format = "csv";
    std::string m_table = "trials";
    std::string m_where;
    std::string m_columns;
    std::string m_out;
    PredictedColumns m_predictions;
};

} // namespace

VerbEntry exportTableVerb()
{
    return {.name = "export-table",
            .summary = "write the trials of a project as a table",
            .usage = "PROJECT [--format FORMAT] [options]",
            .description =
                "Writes trials, measurements or layers for other programs and for papers. import-table reads "
                "the csv and json of trials and of metrics back.\n"
                "  paretoscope export-table demo.pscope --out demo.csv\n"
                "  paretoscope export-table demo.pscope --table metrics --format json\n"
                "  paretoscope export-table demo.pscope --format latex --columns pipeline,perplexity",
            .make = makeVerb<ExportTableVerb>};
}

} // namespace paretoscope::app
