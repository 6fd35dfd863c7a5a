// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/published_overlay.h"

#include "views/format/format.h"
#include "views/format/text.h"

#include <QCoreApplication>
#include <QHash>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Published)
};

QString headingOf(const core::PublishedPoint& point)
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

/// "wikitext2_ppl@2048", "c4_ppl", "perplexity".
bool isPerplexity(std::string_view metric)
{
    const std::string_view name = metric.substr(0, metric.find('@'));
    return name == "perplexity" || name == "ppl" || name.ends_with("_ppl");
}

std::optional<double> conditionOf(const core::PublishedPoint& point, const std::string& name)
{
    if (!point.conditions.is_object())
        return std::nullopt;
    const auto found = point.conditions.find(name);
    return found != point.conditions.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

QString conditionsText(const core::PublishedPoint& point)
{
    QStringList parts;
    if (!point.conditions.is_object())
        return {};
    for (const auto& [name, value] : point.conditions.items())
        parts << u"%1 %2"_s.arg(toQString(name), value.is_string() ? toQString(value.get<std::string>())
                                                                   : toQString(core::canonicalJson(value)));
    return parts.join(u", "_s);
}

} // namespace

std::vector<PublishedSeries> publishedSeries(const ProjectSnapshot& snapshot)
{
    std::vector<PublishedSeries> series;
    QHash<QString, std::size_t> known;
    for (std::size_t i = 0; i < snapshot.published.size(); ++i) {
        const core::PublishedPoint& point = snapshot.published[i];
        const QString heading = headingOf(point);
        const QString id = heading + '|'_L1 + toQString(point.model);
        const auto found = known.constFind(id);
        if (found == known.constEnd()) {
            known.insert(id, series.size());
            series.push_back({.id = id, .heading = heading, .model = toQString(point.model)});
        }
        series[known.value(id)].points.push_back(i);
    }
    return series;
}

std::optional<double> publishedValue(const core::PublishedPoint& point, const MetricSummary& axis)
{
    const bool isSameKind =
        axis.name == "perplexity" ? isPerplexity(point.metric) : point.metric == axis.name && point.unit == axis.unit;
    if (isSameKind)
        return point.value;
    if (point.xMetric == axis.name)
        return point.xValue;
    return conditionOf(point, axis.name == "bits_per_parameter" ? "bits" : axis.name);
}

std::vector<PublishedMark> publishedMarks(const ProjectSnapshot& snapshot, const QStringList& ids,
                                          const MetricSummary& x, const MetricSummary& y)
{
    std::vector<PublishedMark> marks;
    if (ids.isEmpty())
        return marks;
    for (const PublishedSeries& series : publishedSeries(snapshot)) {
        if (!ids.contains(series.id))
            continue;
        for (const std::size_t index : series.points) {
            const core::PublishedPoint& point = snapshot.published[index];
            const std::optional<double> left = publishedValue(point, x);
            const std::optional<double> up = publishedValue(point, y);
            if (left && up)
                marks.push_back({{*left, *up}, index, point.isVerified()});
        }
    }
    return marks;
}

QStringList describePublished(const core::PublishedPoint& point)
{
    const QString method = toQString(point.method);
    QStringList lines {point.model.empty() ? method : Text::tr("%1, %2").arg(method, toQString(point.model))};
    lines << u"%1  %2"_s.arg(toQString(point.metric), format::metricValue(point.value, toQString(point.unit)));
    if (!point.dataSet.empty())
        lines << Text::tr("on %1").arg(toQString(point.dataSet));
    if (point.xValue)
        lines << u"%1  %2"_s.arg(toQString(point.xMetric), format::number(*point.xValue, 6));
    if (const QString conditions = conditionsText(point); !conditions.isEmpty())
        lines << conditions;
    lines << Text::tr("Published: %1").arg(toQString(point.source));
    if (!point.isVerified())
        lines << Text::tr("UNVERIFIED: not checked against its source");
    return lines;
}

} // namespace paretoscope::views
