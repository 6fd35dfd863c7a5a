// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/pareto_data.h"

#include "core/evaluation/baselines.h"
#include "core/statistics/front.h"
#include "views/format/format.h"
#include "views/format/text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <limits>

namespace paretoscope::views {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Pareto)
};

MetricSummary summaryOf(const ProjectSnapshot& snapshot, const AxisChoice& choice)
{
    if (const roofline::PredictedQuantity* predicted = roofline::predictedQuantity(choice.metric))
        return {choice.metric, std::string(predicted->unit), predicted->minimise, {choice.protocol}};
    const MetricSummary* metric = snapshot.metric(choice.metric);
    return metric ? *metric : MetricSummary {choice.metric, {}, true, {}};
}

bool isMeasured(const core::TrialRecord& trial, const std::string& metric)
{
    return std::any_of(trial.metrics.begin(), trial.metrics.end(),
                       [&](const core::MetricRecord& record) { return record.name == metric && record.value; });
}

/// A value on an axis and its standard error.
struct AxisValue
{
    double value = 0;
    double error = 0;
};

std::optional<AxisValue> axisValue(const core::TrialRecord& trial, const AxisChoice& choice,
                                   const WhatIfAxesPtr& whatIf)
{
    if (roofline::predictedQuantity(choice.metric)) {
        const std::optional<double> value =
            whatIf && whatIf->id == choice.protocol ? whatIf->value(trial.id, choice.metric) : std::nullopt;
        return value ? std::optional(AxisValue {*value, 0}) : std::nullopt;
    }
    const core::MetricRecord* metric = measurement(trial, choice.metric, choice.protocol);
    return metric ? std::optional(AxisValue {*metric->value, metric->standardError.value_or(0)}) : std::nullopt;
}

void collectPoints(ParetoData& data, const ParetoRequest& request)
{
    const std::vector<core::TrialRecord>& trials = data.snapshot->trials;
    std::vector<bool> isHidden;
    for (const QString& method : data.snapshot->methods)
        isHidden.push_back(request.hiddenMethods.contains(method));
    data.methodCounts.assign(isHidden.size(), 0);
    for (std::size_t row = 0; row < trials.size(); ++row) {
        const core::TrialRecord& trial = trials[row];
        const std::optional<AxisValue> x = axisValue(trial, request.x, request.whatIf);
        const std::optional<AxisValue> y = axisValue(trial, request.y, request.whatIf);
        if (!x || !y) {
            if (isMeasured(trial, request.x.metric) && isMeasured(trial, request.y.metric))
                ++data.otherProtocol;
            continue;
        }
        const int method = data.snapshot->methodOfRow[row];
        ++data.methodCounts[std::size_t(method)];
        if (isHidden[std::size_t(method)])
            continue;
        data.points.push_back({.id = trial.id,
                               .row = int(row),
                               .value = {x->value, y->value},
                               .xError = x->error,
                               .yError = y->error,
                               .method = method,
                               .baseline = core::isBaseline(trial),
                               .accepted = request.filter.accepts(trial, data.snapshot->baseline(row))});
    }
}

void findFront(ParetoData& data)
{
    const double xSign = data.x.minimise ? 1 : -1;
    const double ySign = data.y.minimise ? 1 : -1;
    std::vector<core::ObjectivePoint> objectives;
    std::vector<int> owners;
    for (std::size_t i = 0; i < data.points.size(); ++i) {
        const ParetoPoint& point = data.points[i];
        if (!point.accepted)
            continue;
        objectives.push_back({xSign * point.value.x(), ySign * point.value.y()});
        owners.push_back(int(i));
    }
    for (const std::size_t index : core::frontOf(objectives)) {
        const int owner = owners[index];
        data.points[std::size_t(owner)].onFront = true;
        data.front.push_back(owner);
    }
}

/// GGUF files come quantised; what the model takes at 16 bits per parameter is the size to compare with.
void addReferences(ParetoData& data)
{
    const bool sizeOnX = data.x.name == "stored_bytes";
    if (sizeOnX == (data.y.name == "stored_bytes"))
        return;
    for (const ParetoPoint& point : data.points) {
        if (!point.baseline)
            continue;
        const core::WorkloadRecord* workload =
            data.snapshot->workload(data.snapshot->trials[std::size_t(point.row)].workload);
        if (!workload || workload->parameters <= 0 ||
            !toQString(workload->modelPath).endsWith(QLatin1String(".gguf"), Qt::CaseInsensitive))
            continue;
        const double size = 2.0 * double(workload->parameters);
        data.references.push_back({sizeOnX ? QPointF(size, point.value.y()) : QPointF(point.value.x(), size),
                                   Text::tr("bf16 size, %1").arg(format::bytes(size))});
    }
}

void addPublished(ParetoData& data, const QStringList& wanted)
{
    if (wanted.isEmpty())
        return;
    for (PublishedSeries& series : publishedSeries(*data.snapshot, data.x, data.y)) {
        if (!wanted.contains(series.id))
            continue;
        data.published.insert(data.published.end(), series.marks.begin(), series.marks.end());
        data.publishedSeries.push_back(std::move(series));
    }
}

void findBounds(ParetoData& data)
{
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    double left = kInfinity, right = -kInfinity, low = kInfinity, high = -kInfinity;
    const auto include = [&](double x, double y) {
        if (!std::isfinite(x) || !std::isfinite(y))
            return;
        left = std::min(left, x);
        right = std::max(right, x);
        low = std::min(low, y);
        high = std::max(high, y);
    };
    for (const ParetoPoint& point : data.points) {
        include(point.value.x() - point.xError, point.value.y() - point.yError);
        include(point.value.x() + point.xError, point.value.y() + point.yError);
    }
    for (const ReferenceMark& mark : data.references)
        include(mark.value.x(), mark.value.y());
    for (const PublishedMark& mark : data.published)
        include(mark.value.x(), mark.value.y());
    if (left <= right)
        data.bounds = QRectF(QPointF(left, low), QPointF(right, high));
}

} // namespace

const ParetoPoint* ParetoData::find(const core::TrialId& id) const
{
    const auto found =
        std::find_if(points.begin(), points.end(), [&](const ParetoPoint& point) { return point.id == id; });
    return found == points.end() ? nullptr : &*found;
}

ParetoDataPtr prepareParetoData(const SnapshotPtr& snapshot, const ParetoRequest& request)
{
    auto data = std::make_shared<ParetoData>();
    data->snapshot = snapshot;
    data->x = summaryOf(*snapshot, request.x);
    data->y = summaryOf(*snapshot, request.y);
    data->xChoice = request.x;
    data->yChoice = request.y;
    data->whatIf = request.whatIf;
    collectPoints(*data, request);
    findFront(*data);
    addReferences(*data);
    addPublished(*data, request.published);
    findBounds(*data);
    return data;
}

std::vector<QPointF> staircase(const ParetoData& data, QPointF farEnds)
{
    std::vector<QPointF> corners;
    if (data.front.empty())
        return corners;
    const auto value = [&](int index) { return data.points[std::size_t(index)].value; };
    const auto worse = [](double a, double b, bool minimise) { return minimise ? std::max(a, b) : std::min(a, b); };
    const QPointF first = value(data.front.front());
    const QPointF last = value(data.front.back());
    corners.emplace_back(first.x(), worse(first.y(), farEnds.y(), data.y.minimise));
    for (std::size_t i = 0; i < data.front.size(); ++i) {
        if (i > 0) // keeps the quality of its left neighbour until the next size is affordable
            corners.emplace_back(value(data.front[i]).x(), value(data.front[i - 1]).y());
        corners.push_back(value(data.front[i]));
    }
    corners.emplace_back(worse(last.x(), farEnds.x(), data.x.minimise), last.y());
    return corners;
}

std::pair<AxisChoice, AxisChoice> defaultAxes(const ProjectSnapshot& snapshot)
{
    const auto choice = [](const MetricSummary& metric) {
        return AxisChoice {metric.name, metric.protocols.empty() ? std::string() : metric.protocols.front()};
    };
    AxisChoice x;
    AxisChoice y;
    if (const MetricSummary* size = snapshot.metric("stored_bytes"))
        x = choice(*size);
    if (const MetricSummary* quality = snapshot.metric("perplexity"))
        y = choice(*quality);
    for (const MetricSummary& metric : snapshot.metrics) {
        if (x.metric.empty() && metric.name != y.metric)
            x = choice(metric);
        else if (y.metric.empty() && metric.name != x.metric)
            y = choice(metric);
    }
    return {x, y};
}

} // namespace paretoscope::views
