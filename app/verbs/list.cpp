// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/table_format.h"
#include "app/format/text.h"
#include "app/format/trial_columns.h"
#include "app/format/trial_json.h"
#include "app/verbs/predicted_columns.h"
#include "app/verbs/project_argument.h"
#include "core/query/trial_fields.h"

#include <algorithm>

namespace paretoscope::app {

namespace {

core::Json fieldJson(const core::TrialRecord& trial, const std::string& column)
{
    core::Json values = core::Json::array();
    for (const core::FieldValue& value : core::fieldValues(trial, column))
        std::visit([&](const auto& v) { values.push_back(v); }, value);
    return values.empty() ? core::Json(nullptr) : values.size() == 1 ? values.front() : values;
}

/// Numbers before texts, trials without a value last.
bool sortsBefore(const std::vector<core::FieldValue>& a, const std::vector<core::FieldValue>& b)
{
    return !a.empty() && (b.empty() || a.front() < b.front());
}

class ListVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        declareWhere(options, m_where);
        options.text("--columns", "NAME,...", m_columns,
                     "What to show of each trial: id, pipeline, status, seconds, workload, sweep, seed, started, "
                     "finished, plugin, tag, any metric, any parameter, predicted_NAME@DEVICE.");
        options.text("--sort", "NAME", m_sort, "Order by this column; with a minus before it, falling.");
        m_format.declare(options);
        m_predictions.declare(options);
        options.flag("--ids", m_ids, "Print only the ids, one a line.");
    }

    Outcome run(Session& session) override
    {
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        auto all = project.value().trials();
        if (!all.ok())
            return {all.error(), ErrorSource::Project};
        const std::size_t total = all.value().size();
        std::vector<std::string> columns;
        for (const std::string& column : splitAtCommas(m_columns))
            columns.push_back(withoutQuotes(column));
        std::vector<std::string> named = columns;
        if (!m_sort.empty())
            named.push_back(sortColumn());
        if (const core::Status added = m_predictions.addTo(all.value(), named, m_where, project.value(), session);
            !added.ok())
            return {added.error(), ErrorSource::Arguments};
        const std::vector<std::string> known = core::fieldNames(all.value());
        auto trials = filtered(std::move(all).value(), m_where);
        if (!trials.ok())
            return {trials.error(), ErrorSource::Arguments};
        if (total > 0) {
            if (const core::Status status = checkColumns(named, known); !status.ok())
                return {status.error(), ErrorSource::Arguments};
        }
        sort(trials.value());
        if (session.common.json)
            session.console.document(document(trials.value(), columns));
        else
            print(trials.value(), columns, total, session.console);
        return ExitStatus::Done;
    }

private:
    std::string sortColumn() const { return withoutQuotes(m_sort.front() == '-' ? m_sort.substr(1) : m_sort); }

    void sort(std::vector<core::TrialRecord>& trials) const
    {
        if (m_sort.empty())
            return;
        const std::string column = sortColumn();
        const bool falling = m_sort.front() == '-';
        std::stable_sort(trials.begin(), trials.end(), [&](const core::TrialRecord& a, const core::TrialRecord& b) {
            const auto left = core::fieldValues(a, column);
            const auto right = core::fieldValues(b, column);
            if (falling && !left.empty() && !right.empty())
                return right.front() < left.front();
            return sortsBefore(left, right);
        });
    }

    core::Json document(const std::vector<core::TrialRecord>& trials, const std::vector<std::string>& columns) const
    {
        core::Json list = core::Json::array();
        for (const core::TrialRecord& trial : trials) {
            core::Json json = trialJson(trial);
            for (const std::string& column : columns)
                json["columns"][column] = fieldJson(trial, column);
            list.push_back(std::move(json));
        }
        return {{"schema", "paretoscope.list/1"}, {"project", m_project.path()}, {"trials", list}};
    }

    void print(const std::vector<core::TrialRecord>& trials, const std::vector<std::string>& columns, std::size_t total,
               Console& console) const
    {
        if (m_ids) {
            for (const core::TrialRecord& trial : trials)
                console.line(trial.id.hex());
            return;
        }
        if (trials.empty()) {
            console.note(total == 0 ? "no trials in " + m_project.path()
                                    : "none of the " + counted(static_cast<std::int64_t>(total), "trial") +
                                          " fulfils the filter");
            return;
        }
        const std::vector<std::string>& chosen = columns.empty() ? usualColumns(trials) : columns;
        if (m_format.isExact())
            console.write(core::asCsv(core::textRows(core::exactTable(trials, chosen))));
        else
            console.write(m_format.write(trialTable(trials, chosen), console.outStream()));
    }

    ProjectArgument m_project;
    std::string m_where;
    std::string m_columns;
    std::string m_sort;
    TableFormat m_format;
    PredictedColumns m_predictions;
    bool m_ids = false;
};

} // namespace

VerbEntry listVerb()
{
    return {.name = "list",
            .summary = "list the trials of a project",
            .usage = "PROJECT [options]",
            .description =
                "Lists the trials of a project with what was measured. Works while a sweep is running. Columns and "
                "filters may name what is predicted for any device: predicted_ttft, predicted_tpot, "
                "predicted_tokens_per_second, predicted_joules_per_token, predicted_memory, each with "
                "@DEVICE or @DEVICE/batch-8/prompt-2048/generate-64/realistic.\n"
                "  paretoscope list demo.pscope --where 'bits <= 4 and plugin = gptq' --sort perplexity\n"
                "  paretoscope list demo.pscope --columns id,bits,group_size,perplexity\n"
                "  paretoscope list demo.pscope --columns 'pipeline,predicted_tpot@NVIDIA L4'",
            .make = makeVerb<ListVerb>};
}

} // namespace paretoscope::app
