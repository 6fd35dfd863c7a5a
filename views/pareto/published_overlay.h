// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/snapshot/project_snapshot.h"

#include <QPointF>
#include <QString>
#include <QStringList>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::views {

/// Published points of one model that were measured alike: they may stand on one axis with each other. With trials they
/// never share a protocol, so that they are drawn beside them only when the user asks for it.
struct PublishedSeries
{
    QString id;                           ///< tells it from all others, also in another session
    QString heading;                      ///< what was measured: "wikitext2_ppl@2048"
    QString model;                        ///< may be empty
    std::vector<std::size_t> points = {}; ///< indices into ProjectSnapshot::published
};

/// A published point that has a place on both axes.
struct PublishedMark
{
    QPointF value;
    std::size_t point = 0; ///< index into ProjectSnapshot::published
    bool isVerified = true;
};

/// In order of recording.
std::vector<PublishedSeries> publishedSeries(const ProjectSnapshot& snapshot);

/// What a published point has on the axis of a metric: its value where it is of the same kind (any perplexity), its
/// second value, or a condition (bits for bits per parameter, which then count no scales). Nothing when it has none.
std::optional<double> publishedValue(const core::PublishedPoint& point, const MetricSummary& axis);

/// The points of the series with these ids that have a place on both axes.
std::vector<PublishedMark> publishedMarks(const ProjectSnapshot& snapshot, const QStringList& ids,
                                          const MetricSummary& x, const MetricSummary& y);

/// Method, numbers, conditions, source and whether it was checked, one line each.
QStringList describePublished(const core::PublishedPoint& point);

} // namespace paretoscope::views
