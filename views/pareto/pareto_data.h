// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/published_overlay.h"
#include "views/pareto/what_if_axes.h"
#include "views/selection/trial_filter.h"
#include "views/snapshot/project_snapshot.h"

#include <QPointF>
#include <QRectF>
#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

namespace paretoscope::views {

/// One axis of the plot: a metric under exactly one protocol, or a prediction for one device (the protocol is then the
/// id of the what-if). Numbers of two protocols never share an axis.
struct AxisChoice
{
    std::string metric;
    std::string protocol;
    bool operator==(const AxisChoice&) const = default;
};

struct ParetoRequest
{
    AxisChoice x;
    AxisChoice y;
    TrialFilter filter;
    QStringList hiddenMethods;
    WhatIfAxesPtr whatIf = {};  ///< of the same snapshot; null: nothing is predicted
    QStringList published = {}; ///< ids of the series of published points that the user asked for
};

struct ParetoPoint
{
    core::TrialId id;
    int row = 0; ///< in the snapshot
    QPointF value;
    double xError = 0; ///< standard error, 0 = none known
    double yError = 0;
    int method = 0; ///< index into ProjectSnapshot::methods
    bool baseline = false;
    bool accepted = true; ///< by the filter
    bool onFront = false;
};

/// A size or quality worth knowing that is no trial, e.g. what a GGUF model takes in bf16.
struct ReferenceMark
{
    QPointF value;
    QString label;
};

/// All that the plot shows, in the units of the metrics. Built from a snapshot by a pure function.
struct ParetoData
{
    SnapshotPtr snapshot;
    MetricSummary x;
    MetricSummary y;
    AxisChoice xChoice;
    AxisChoice yChoice;
    std::vector<int> methodCounts; ///< points by ProjectSnapshot::methods, hidden ones too
    std::vector<ParetoPoint> points;
    std::vector<int> front; ///< indices into `points` from the best x to the best y
    std::vector<ReferenceMark> references;
    std::vector<PublishedSeries> publishedSeries; ///< that were asked for and have a place on both axes
    std::vector<PublishedMark> published;         ///< all of theirs, beside the trials, never part of the front
    WhatIfAxesPtr whatIf;                         ///< where an axis is predicted
    int otherProtocol = 0; ///< finished trials that lack a measurement under the chosen protocols but have another
    QRectF bounds; ///< of points, error bars, references and published points; null when there is nothing to show

    const ParetoPoint* find(const core::TrialId& id) const;
};

using ParetoDataPtr = std::shared_ptr<const ParetoData>;

/// Linear in the trials but for the front (n log n); 10 000 trials take a few milliseconds.
ParetoDataPtr prepareParetoData(const SnapshotPtr& snapshot, const ParetoRequest& request);

/// The corners of the staircase through the front: from (first point, worst y) down to (worst x, last point), where
/// "worst" are the given far ends. All better-than directions are those of the metrics.
std::vector<QPointF> staircase(const ParetoData& data, QPointF farEnds);

/// The axes to start with: stored size against perplexity where measured, else the first two metrics.
std::pair<AxisChoice, AxisChoice> defaultAxes(const ProjectSnapshot& snapshot);

} // namespace paretoscope::views
