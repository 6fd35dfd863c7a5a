// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/input.h"
#include "app/format/number.h"
#include "app/format/table_format.h"
#include "app/format/text.h"
#include "app/verbs/project_argument.h"
#include "core/project/published_metric.h"
#include "core/table/published_table.h"

#include <algorithm>
#include <filesystem>

namespace paretoscope::app {

namespace {

namespace fs = std::filesystem;
using core::Json;
using core::PublishedPoint;

/// The metric of ours that the value of a point may stand beside, with the number there; null: there is none.
Json besideOf(const PublishedPoint& point)
{
    const core::PublishedNumber value = core::numbersOf(point).front();
    const core::PublishedMetric* metric = core::publishedMetric(value, point.source);
    if (!metric)
        return nullptr;
    const std::string_view unit = core::baseUnit(metric->unit);
    const auto standing = core::standingBeside(value, point.source, metric->beside, unit);
    if (!standing)
        return nullptr;
    return {{"metric", std::string(metric->beside)}, {"value", standing->value}, {"unit", std::string(unit)}};
}

/// What filters know of a point.
Json fieldsOf(const PublishedPoint& point)
{
    Json fields = point.conditions.is_object() ? point.conditions : Json::object();
    const auto set = [&fields](const char* name, const std::string& text) {
        if (!text.empty())
            fields[name] = text;
    };
    set("method", point.method);
    set("model", point.model);
    set("data_set", point.dataSet);
    set("metric", point.metric);
    set("unit", point.unit);
    set("x_metric", point.xMetric);
    set("source", point.source);
    set("url", point.url);
    set("confidence", point.confidence);
    fields["value"] = point.value;
    if (point.xValue)
        fields["x_value"] = *point.xValue;
    fields["verified"] = point.isVerified();
    if (const Json beside = besideOf(point); !beside.is_null())
        fields["beside"] = beside["metric"];
    return fields;
}

/// The points that `where` lets through. Errors: as of filtered().
core::Result<std::vector<PublishedPoint>> matching(std::vector<PublishedPoint> points, const std::string& where)
{
    // To the language of filters a point is a trial of one stage, whose parameters are its columns.
    std::vector<core::TrialRecord> rows;
    for (std::size_t i = 0; i < points.size(); ++i) {
        core::TrialRecord& row = rows.emplace_back();
        row.seed = i;
        row.pipeline = Json::array({{{"plugin", "published"}, {"version", ""}, {"parameters", fieldsOf(points[i])}}});
    }
    PSC_ASSIGN(const std::vector<core::TrialRecord> chosen, filtered(std::move(rows), where));
    std::vector<PublishedPoint> kept;
    for (const core::TrialRecord& row : chosen)
        kept.push_back(std::move(points[row.seed]));
    return kept;
}

std::string conditionsText(const PublishedPoint& point)
{
    std::string text;
    if (!point.conditions.is_object())
        return text;
    for (const auto& [name, value] : point.conditions.items())
        text += (text.empty() ? "" : ", ") + name + " " +
                (value.is_string() ? value.get<std::string>() : core::canonicalJson(value));
    return text;
}

/// What the numbers of one table share: they may stand on one axis.
std::string headingOf(const PublishedPoint& point)
{
    std::string text = point.metric;
    if (!point.unit.empty())
        text += " [" + point.unit + "]";
    if (!point.dataSet.empty())
        text += " on " + point.dataSet;
    if (!point.xMetric.empty())
        text += " against " + point.xMetric;
    return text;
}

class PublishedVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& project = options.text("PROJECT", "", m_path, "The project file (*.pscope).");
        project.kind = ValueKind::Project;
        project.required = true;
        options
            .list("--import", "FILE", m_tables,
                  "Take points from a table (.csv), or from one that comes with the program: quantization, "
                  "pruning_lowrank, kv_codecs. The project is made when it does not exist.")
            .kind = ValueKind::File;
        options.flag("--unverified", m_unverified,
                     "Import also rows that say they were written down from memory; they stay marked.");
        options.text(
            "--where", "EXPR", m_where,
            "Only points that fulfil a filter over method, model, data_set, metric, value, x_metric, x_value, "
            "source, confidence, verified, beside (the metric of trials that the value is of a kind with) and the "
            "conditions of their tables (bits, group, setting, ...).");
        m_format.declare(options);
    }

    Outcome run(Session& session) override
    {
        if (m_tables.empty() && m_unverified)
            return Outcome::usage("--unverified goes with --import", "leave it out; the list shows all there are");
        if (!m_tables.empty() && !m_where.empty())
            return Outcome::usage("--where chooses what is listed and cannot be given with --import",
                                  "import first, then list");
        return m_tables.empty() ? list(session) : import(session);
    }

private:
    struct Imported
    {
        std::string name;
        std::vector<PublishedPoint> points;
        int unverified = 0; ///< left out
        std::vector<std::string> withoutNumber;
    };

    /// A name without folder and ending is a table of the installation.
    core::Result<std::string> textOf(const std::string& table, const Session& session) const
    {
        const bool isName = fs::path(table).parent_path().empty() && !fs::path(table).has_extension() && table != "-";
        if (!isName)
            return readFileOrInput(table, session.input);
        const fs::path folder = session.installation.resources() / "published";
        const fs::path file = folder / (table + ".csv");
        std::error_code ignored;
        if (fs::is_regular_file(file, ignored))
            return readFileOrInput(file.string(), session.input);
        return core::Error {
            core::ErrorCode::NotFound, "no table of published points is called \"" + table + "\"",
            "quantization, pruning_lowrank and kv_codecs come with the program; give others as FILE.csv"};
    }

    core::Result<Imported> read(const std::string& table, const Session& session) const
    {
        PSC_ASSIGN(const std::string text, textOf(table, session));
        PSC_ASSIGN(const core::TextRows rows, core::parseCsv(text, table));
        PSC_ASSIGN(core::PublishedTable content, core::readPublishedTable(rows, table));
        Imported imported {table, {}, 0, std::move(content.withoutNumber)};
        for (PublishedPoint& point : content.points) {
            if (m_unverified || point.isVerified())
                imported.points.push_back(std::move(point));
            else
                ++imported.unverified;
        }
        return imported;
    }

    Outcome import(Session& session) const
    {
        std::vector<Imported> all; // read whole before the project is touched
        for (const std::string& table : m_tables) {
            PSC_ASSIGN(Imported imported, read(table, session));
            all.push_back(std::move(imported));
        }
        auto project = core::ProjectStore::open(m_path, core::OpenMode::Create);
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        Json documents = Json::array();
        for (const Imported& imported : all) {
            const auto added = project.value().recordPublishedPoints(imported.points);
            if (!added.ok())
                return {added.error(), ErrorSource::Project};
            documents.push_back({{"table", imported.name},
                                 {"points", imported.points.size()},
                                 {"added", added.value()},
                                 {"unverified_left_out", imported.unverified},
                                 {"without_number", imported.withoutNumber}});
            if (!session.common.json)
                report(imported, added.value(), session.console);
        }
        if (session.common.json)
            session.console.document(
                {{"schema", "paretoscope.published/1"}, {"project", m_path}, {"imported", std::move(documents)}});
        return ExitStatus::Done;
    }

    void report(const Imported& imported, int added, Console& console) const
    {
        console.line(counted(static_cast<std::int64_t>(imported.points.size()), "point") + " from " +
                     printable(imported.name) + " into " + m_path + ", " + std::to_string(added) + " of them new");
        if (imported.unverified > 0)
            console.note(counted(imported.unverified, "row") +
                         " marked as written from memory left out; --unverified takes them, too");
        if (!imported.withoutNumber.empty())
            console.note(counted(static_cast<std::int64_t>(imported.withoutNumber.size()), "row") +
                         " without a number left out (" + printable(imported.withoutNumber.front()) + ")");
    }

    Outcome list(Session& session) const
    {
        const auto project = core::ProjectStore::open(m_path, core::OpenMode::ReadOnly);
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        auto all = project.value().publishedPoints();
        if (!all.ok())
            return {all.error(), ErrorSource::Project};
        const bool isEmpty = all.value().empty();
        const auto points = matching(std::move(all).value(), m_where);
        if (!points.ok())
            return {points.error(), ErrorSource::Arguments};
        if (session.common.json)
            printDocument(points.value(), session.console);
        else if (m_format.isExact())
            session.console.write(core::asCsv(core::textRows(core::publishedTable(points.value()))));
        else if (points.value().empty())
            session.console.note(isEmpty ? "no published points in " + m_path + "; for example --import quantization"
                                         : "no published point fulfils the filter");
        else
            printTables(points.value(), session.console);
        return ExitStatus::Done;
    }

    void printDocument(const std::vector<PublishedPoint>& points, Console& console) const
    {
        Json list = Json::array();
        for (const PublishedPoint& point : points) {
            list.push_back({{"method", point.method},
                            {"model", point.model},
                            {"data_set", point.dataSet},
                            {"metric", point.metric},
                            {"value", point.value},
                            {"unit", point.unit},
                            {"x_metric", point.xMetric},
                            {"x_value", point.xValue ? Json(*point.xValue) : Json()},
                            {"conditions", point.conditions},
                            {"source", point.source},
                            {"url", point.url},
                            {"confidence", point.confidence},
                            {"verified", point.isVerified()},
                            {"beside", besideOf(point)}});
        }
        console.document({{"schema", "paretoscope.published/1"}, {"project", m_path}, {"points", std::move(list)}});
    }

    /// One table for what may stand on one axis.
    void printTables(const std::vector<PublishedPoint>& points, Console& console) const
    {
        std::vector<std::vector<const PublishedPoint*>> groups;
        for (const PublishedPoint& point : points) {
            const auto known = std::find_if(groups.begin(), groups.end(),
                                            [&](const auto& group) { return group.front()->sharesAxesWith(point); });
            (known == groups.end() ? groups.emplace_back() : *known).push_back(&point);
        }
        for (const auto& group : groups) {
            const PublishedPoint& first = *group.front();
            const bool hasX = !first.xMetric.empty();
            TextTable table({{"model", false, true},
                             {"method", false, true},
                             {"under", false, true},
                             {hasX ? printable(first.xMetric) : "", true},
                             {m_format.isText() ? "value" : printable(headingOf(first)), true},
                             {"source", false, true, true},
                             {""}});
            for (const PublishedPoint* point : group)
                table.addRow({printable(point->model), printable(point->method), printable(conditionsText(*point)),
                              hasX ? significant(point->xValue) : "", significant(point->value, 6),
                              printable(point->source), point->isVerified() ? "" : "UNVERIFIED"},
                             point->isVerified() ? Emphasis::None : Emphasis::Faint);
            if (m_format.isText())
                console.line((&group == &groups.front() ? "" : "\n") + printable(headingOf(first)));
            console.write(m_format.write(table, console.outStream()));
        }
    }

    std::string m_path;
    std::vector<std::string> m_tables;
    bool m_unverified = false;
    std::string m_where;
    TableFormat m_format;
};

} // namespace

VerbEntry publishedVerb()
{
    return {
        .name = "published",
        .summary = "list or import numbers that papers published",
        .usage = "PROJECT [--import FILE] [options]",
        .description =
            "Lists reference points from papers and repositories with their sources, one table for those that "
            "were measured alike: same metric with its context, same data set. They are never mixed with trials. "
            "With --import they come from a table, each row with method, metric, value and source; importing it "
            "again changes nothing.\n"
            "  paretoscope published demo.pscope --import quantization --import pruning_lowrank\n"
            "  paretoscope published demo.pscope --where 'model = Llama-2-7B and bits <= 3'\n"
            "  paretoscope published demo.pscope --format csv",
        .make = makeVerb<PublishedVerb>};
}

} // namespace paretoscope::app
