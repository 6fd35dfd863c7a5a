// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/objective.h"
#include "app/format/table_format.h"
#include "app/format/trial_columns.h"
#include "app/verbs/predicted_columns.h"
#include "app/verbs/project_argument.h"
#include "core/query/trial_fields.h"

#include <map>

namespace paretoscope::app {

namespace {

struct Group
{
    std::string name; ///< value of the grouping column
    std::vector<core::TrialRecord> trials;
};

core::Json frontJson(const std::vector<core::TrialRecord>& trials, const TrialFront& front)
{
    core::Json points = core::Json::array();
    for (const TrialFront::Point& point : front.points)
        points.push_back({{"id", trials[point.trial].id.hex()},
                          {"pipeline", trials[point.trial].label},
                          {"x", point.x},
                          {"y", point.y}});
    core::Json json {{"points", points}, {"dominated", front.dominated}, {"hypervolume", front.hypervolume}};
    json["reference_point"] = core::Json::array({front.reference.x, front.reference.y});
    json["knee"] = front.knee ? core::Json(trials[front.points[*front.knee].trial].id.hex()) : core::Json(nullptr);
    return json;
}

class FrontVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        options.text("--x", "METRIC", m_x, "The metric to the right.").defaultText = m_x;
        options
            .text("--y", "METRIC", m_y,
                  "The metric upwards. A metric that was measured under several protocols is written "
                  "METRIC@PART, PART being any part of the protocol id.")
            .defaultText = m_y;
        declareWhere(options, m_where);
        options.text("--group-by", "NAME", m_groupBy,
                     "One front for each value of a column, for example workload, plugin or bits.");
        m_predictions.declare(options);
        m_format.declare(options);
    }

    Outcome run(Session& session) override
    {
        m_x = withoutQuotes(m_x);
        m_y = withoutQuotes(m_y);
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        auto all = read(project.value());
        if (!all.ok())
            return {all.error(), ErrorSource::Project};
        const std::vector<std::string> columns {m_x, m_y};
        if (const core::Status added = m_predictions.addTo(all.value(), columns, m_where, project.value(), session);
            !added.ok())
            return {added.error(), ErrorSource::Arguments};
        const std::vector<std::string> known = core::fieldNames(all.value());
        if (!m_groupBy.empty()) {
            if (const core::Status status = checkColumns({m_groupBy}, known); !status.ok())
                return {status.error(), ErrorSource::Arguments};
        }
        auto chosen = filtered(std::move(all).value(), m_where);
        if (!chosen.ok())
            return {chosen.error(), ErrorSource::Arguments};
        std::vector<core::TrialRecord>& trials = chosen.value();
        Axes axes;
        if (!trials.empty()) {
            for (auto& [text, objective] : {std::pair(&m_x, &axes.x), std::pair(&m_y, &axes.y)}) {
                auto resolved = resolveObjective(trials, *text);
                if (!resolved.ok())
                    return {resolved.error(), ErrorSource::Arguments};
                *objective = std::move(resolved).value();
            }
        }
        if (const core::Status completed = completeFront(project.value(), trials, axes); !completed.ok())
            return {completed.error(), ErrorSource::Project};
        if (session.common.json)
            session.console.document(document(trials, axes));
        else
            print(trials, axes, session.console);
        return ExitStatus::Done;
    }

private:
    struct Axes
    {
        Objective x;
        Objective y;
    };

    bool readsAxesAlone() const
    {
        return m_where.empty() && m_groupBy.empty() && !isPredicted(m_x) && !isPredicted(m_y);
    }

    /// Without filter and groups only the two metrics: a large project need not be read whole.
    core::Result<std::vector<core::TrialRecord>> read(const core::ProjectStore& project) const
    {
        if (!readsAxesAlone())
            return project.trials();
        const std::vector<std::string> names {m_x.substr(0, m_x.find('@')), m_y.substr(0, m_y.find('@'))};
        PSC_ASSIGN(std::vector<core::TrialRecord> trials, project.trialsWithMetrics(names));
        const bool known = std::all_of(names.begin(), names.end(), [&trials](const std::string& name) {
            return std::any_of(trials.begin(), trials.end(),
                               [&name](const core::TrialRecord& trial) { return trial.metric(name) != nullptr; });
        });
        if (!known) // the error names what there is
            return project.trials();
        return trials;
    }

    /// Those that are printed are shown with all that is known of them.
    core::Status completeFront(const core::ProjectStore& project, std::vector<core::TrialRecord>& trials,
                               const Axes& axes) const
    {
        if (!readsAxesAlone())
            return core::success();
        for (const TrialFront::Point& point : frontOfTrials(trials, axes.x, axes.y).points) {
            PSC_ASSIGN(trials[point.trial], project.trial(trials[point.trial].id));
        }
        return core::success();
    }

    std::vector<Group> grouped(const std::vector<core::TrialRecord>& trials) const
    {
        std::map<std::string, Group> groups;
        for (const core::TrialRecord& trial : trials) {
            const std::string name = cellText(trial, m_groupBy, trial.id.hex().size());
            groups[name].name = name;
            groups[name].trials.push_back(trial);
        }
        std::vector<Group> list;
        for (auto& [name, group] : groups)
            list.push_back(std::move(group));
        return list;
    }

    core::Json document(const std::vector<core::TrialRecord>& trials, const Axes& axes) const
    {
        core::Json json = frontJson(trials, frontOfTrials(trials, axes.x, axes.y));
        json["schema"] = "paretoscope.front/1";
        json["x"] = m_x;
        json["y"] = m_y;
        json["x_protocol"] = axes.x.protocol;
        json["y_protocol"] = axes.y.protocol;
        if (!m_groupBy.empty()) {
            json["groups"] = core::Json::array();
            for (const Group& group : grouped(trials)) {
                core::Json part = frontJson(group.trials, frontOfTrials(group.trials, axes.x, axes.y));
                part["group"] = group.name;
                json["groups"].push_back(std::move(part));
            }
        }
        return json;
    }

    void print(const std::vector<core::TrialRecord>& trials, const Axes& axes, Console& console) const
    {
        if (m_format.isExact()) {
            console.write(core::asCsv(core::textRows(exactFronts(trials, axes))));
            return;
        }
        if (m_groupBy.empty()) {
            printFront(trials, axes, console);
            return;
        }
        bool first = true;
        for (const Group& group : grouped(trials)) {
            console.line((first ? "" : "\n") + m_groupBy + " = " + group.name);
            printFront(group.trials, axes, console);
            first = false;
        }
    }

    core::ExactTable exactFronts(const std::vector<core::TrialRecord>& trials, const Axes& axes) const
    {
        std::vector<core::TrialRecord> onFront;
        for (const Group& group : m_groupBy.empty() ? std::vector<Group> {{{}, trials}} : grouped(trials)) {
            for (const TrialFront::Point& point : frontOfTrials(group.trials, axes.x, axes.y).points)
                onFront.push_back(group.trials[point.trial]);
        }
        std::vector<std::string> columns {"id", "pipeline", columnOf(axes.x), columnOf(axes.y)};
        if (!m_groupBy.empty())
            columns.insert(columns.begin(), m_groupBy);
        return core::exactTable(onFront, columns);
    }

    void printFront(const std::vector<core::TrialRecord>& trials, const Axes& axes, Console& console) const
    {
        const TrialFront front = frontOfTrials(trials, axes.x, axes.y);
        if (front.points.empty()) {
            console.note("no finished trial has both metrics");
            return;
        }
        const std::size_t idLength = distinctIdLength(trials);
        TextTable table({{titleOf(axes.x.name), true},
                         {titleOf(axes.y.name), true},
                         {"pipeline", false, true},
                         {"id", false, false, true},
                         {""}});
        for (std::size_t i = 0; i < front.points.size(); ++i) {
            const core::TrialRecord& trial = trials[front.points[i].trial];
            const bool knee = front.knee == i;
            table.addRow({cellText(trial, columnOf(axes.x), idLength), cellText(trial, columnOf(axes.y), idLength),
                          trial.label, cellText(trial, "id", idLength), knee ? "knee" : ""},
                         knee ? Emphasis::Good : Emphasis::None);
        }
        console.write(m_format.write(table, console.outStream()));
        console.note(counted(static_cast<std::int64_t>(front.points.size()), "trial") + " on the front, " +
                     std::to_string(front.dominated) + " dominated; hypervolume " + significant(front.hypervolume) +
                     " to (" + significant(front.reference.x) + ", " + significant(front.reference.y) + ")");
    }

    static std::string columnOf(const Objective& objective)
    {
        return objective.protocol.empty() ? objective.name : objective.name + "@" + objective.protocol;
    }

    ProjectArgument m_project;
    std::string m_x = "stored_bytes";
    std::string m_y = "perplexity";
    std::string m_where;
    std::string m_groupBy;
    TableFormat m_format;
    PredictedColumns m_predictions;
};

} // namespace

VerbEntry frontVerb()
{
    return {.name = "front",
            .summary = "print the non-dominated trials of a project",
            .usage = "PROJECT [--x METRIC] [--y METRIC] [options]",
            .description =
                "Prints the Pareto front: the finished trials that no other beats in both metrics, the "
                "hypervolume they cover and the knee. Metrics that are maximised count as such. An axis may be "
                "predicted for any device: predicted_tpot@DEVICE (\"paretoscope help list\" names all).\n"
                "  paretoscope front demo.pscope --x stored_bytes --y perplexity\n"
                "  paretoscope front demo.pscope --where 'bits_per_parameter < 5' --group-by plugin\n"
                "  paretoscope front demo.pscope --x 'predicted_tpot@NVIDIA L4' --y perplexity",
            .make = makeVerb<FrontVerb>};
}

} // namespace paretoscope::app
