// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/published_overlay.h"

#include "core/project/published_metric.h"
#include "views/format/format.h"
#include "views/format/text.h"

#include <QCoreApplication>
#include <QHash>

#include <algorithm>
#include <map>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

using core::PublishedPoint;

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Published)
};

/// What was measured.
QString headingOf(const PublishedPoint& point)
{
    QString heading = toQString(point.metric);
    if (!point.unit.empty())
        heading += u" [%1]"_s.arg(toQString(point.unit));
    if (!point.dataSet.empty())
        heading = Text::tr("%1 on %2").arg(heading, toQString(point.dataSet));
    if (!point.xMetric.empty())
        heading = Text::tr("%1 against %2").arg(heading, toQString(point.xMetric));
    return heading;
}

QString conditionsText(const PublishedPoint& point)
{
    QStringList parts;
    if (!point.conditions.is_object())
        return {};
    for (const auto& [name, value] : point.conditions.items())
        parts << u"%1 %2"_s.arg(toQString(name), value.is_string() ? toQString(value.get<std::string>())
                                                                   : toQString(core::canonicalJson(value)));
    return parts.join(u", "_s);
}

/// What a point has on an axis.
struct Standing
{
    double value = 0;
    QString name; ///< with the unit that it counts in, where the name does not say it
};

std::optional<Standing> standing(const core::PublishedNumber& number, const PublishedPoint& point,
                                 const MetricSummary& axis)
{
    const std::optional<core::StandingNumber> found = core::standingBeside(number, point.source, axis.name, axis.unit);
    if (!found)
        return std::nullopt;
    const QString name = toQString(number.name);
    const QString unit = toQString(found->unit);
    return Standing {found->value, name.contains(unit) ? name : u"%1 [%2]"_s.arg(name, unit)};
}

/// Its value, which the series is named after.
std::optional<Standing> ownStanding(const PublishedPoint& point, const MetricSummary& axis)
{
    return standing(core::numbersOf(point).front(), point, axis);
}

/// Its second value or a condition.
std::optional<Standing> otherStanding(const PublishedPoint& point, const MetricSummary& axis)
{
    const std::vector<core::PublishedNumber> numbers = core::numbersOf(point);
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        if (std::optional<Standing> found = standing(numbers[i], point, axis))
            return found;
    }
    return std::nullopt;
}

/// The points of one paper that tell about the same thing: equal in all but what was measured.
std::vector<std::vector<std::size_t>> rowsOf(const std::vector<PublishedPoint>& points)
{
    std::map<std::string, std::size_t> known;
    std::vector<std::vector<std::size_t>> rows;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const PublishedPoint& point = points[i];
        const core::Json key {point.source,  point.url,        point.model,
                              point.method,  point.dataSet,    point.confidence,
                              point.xMetric, point.conditions, point.xValue ? core::Json(*point.xValue) : core::Json()};
        const auto [place, isNew] = known.try_emplace(core::canonicalJson(key), rows.size());
        if (isNew)
            rows.emplace_back();
        rows[place->second].push_back(i);
    }
    return rows;
}

class SeriesFinder
{
public:
    SeriesFinder(const std::vector<PublishedPoint>& points, const MetricSummary& x, const MetricSummary& y)
        : m_points(points)
        , m_x(x)
        , m_y(y)
    {}

    std::vector<PublishedSeries> take()
    {
        for (const std::vector<std::size_t>& row : rowsOf(m_points)) {
            for (const std::size_t i : row) {
                const PublishedPoint& point = m_points[i];
                const std::optional<Standing> x = ownStanding(point, m_x);
                const std::optional<Standing> y = ownStanding(point, m_y);
                if (const auto besideY = y ? otherStanding(point, m_x) : std::nullopt)
                    add(headingOf(point), *besideY, i, *y, i);
                if (const auto besideX = x ? otherStanding(point, m_y) : std::nullopt)
                    add(headingOf(point), *x, i, *besideX, i);
                if (y && isOnlyOne(row, i))
                    addPartners(row, i, *y);
            }
        }
        return std::move(m_series);
    }

private:
    /// Whether no other point of the row was measured like this one.
    bool isOnlyOne(const std::vector<std::size_t>& row, std::size_t index) const
    {
        return std::count_if(row.begin(), row.end(),
                             [&](std::size_t other) { return m_points[other].sharesAxesWith(m_points[index]); }) == 1;
    }

    void addPartners(const std::vector<std::size_t>& row, std::size_t index, const Standing& y)
    {
        for (const std::size_t partner : row) {
            const std::optional<Standing> x = partner == index ? std::nullopt : ownStanding(m_points[partner], m_x);
            if (x && isOnlyOne(row, partner))
                add(Text::tr("%1 against %2").arg(headingOf(m_points[index]), headingOf(m_points[partner])), *x,
                    partner, y, index);
        }
    }

    void add(const QString& heading, const Standing& x, std::size_t xPoint, const Standing& y, std::size_t yPoint)
    {
        const QString model = toQString(m_points[yPoint].model);
        const QString id = heading + '|'_L1 + model;
        if (!m_known.contains(id)) {
            m_known.insert(id, m_series.size());
            m_series.push_back({.id = id, .heading = heading, .xName = x.name, .yName = y.name, .model = model});
        }
        m_series[m_known.value(id)].marks.push_back(
            {.value = {x.value, y.value},
             .x = xPoint,
             .y = yPoint,
             .isVerified = m_points[xPoint].isVerified() && m_points[yPoint].isVerified()});
    }

    const std::vector<PublishedPoint>& m_points;
    const MetricSummary& m_x;
    const MetricSummary& m_y;
    std::vector<PublishedSeries> m_series;
    QHash<QString, std::size_t> m_known;
};

QString numberText(const PublishedPoint& point)
{
    return u"%1  %2"_s.arg(toQString(point.metric), format::metricValue(point.value, toQString(point.unit)));
}

} // namespace

QString PublishedSeries::label() const
{
    const QString what = Text::tr("%1 against %2").arg(yName, xName);
    return u"%1 (%2)"_s.arg(model.isEmpty() ? what : Text::tr("%1: %2").arg(model, what)).arg(marks.size());
}

std::vector<PublishedSeries> publishedSeries(const ProjectSnapshot& snapshot, const MetricSummary& x,
                                             const MetricSummary& y)
{
    return SeriesFinder(snapshot.published, x, y).take();
}

QStringList describePublished(const ProjectSnapshot& snapshot, const PublishedMark& mark)
{
    const PublishedPoint& point = snapshot.published[mark.y];
    const QString method = toQString(point.method);
    QStringList lines {point.model.empty() ? method : Text::tr("%1, %2").arg(method, toQString(point.model))};
    lines << numberText(point);
    if (mark.x != mark.y)
        lines << numberText(snapshot.published[mark.x]);
    if (!point.dataSet.empty())
        lines << Text::tr("on %1").arg(toQString(point.dataSet));
    if (point.xValue)
        lines << u"%1  %2"_s.arg(toQString(point.xMetric), format::number(*point.xValue, 6));
    if (const QString conditions = conditionsText(point); !conditions.isEmpty())
        lines << conditions;
    lines << Text::tr("Published: %1").arg(toQString(point.source));
    if (!mark.isVerified)
        lines << Text::tr("UNVERIFIED: not checked against its source");
    return lines;
}

} // namespace paretoscope::views
