// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/snapshot/project_snapshot.h"

#include <QPointF>
#include <QString>
#include <QStringList>

#include <cstddef>
#include <vector>

namespace paretoscope::views {

/// A place on both axes, from one published point or from two of equal source, model, method and conditions.
struct PublishedMark
{
    QPointF value = {}; ///< in the units of the axes
    std::size_t x = 0;  ///< index into ProjectSnapshot::published of the point that tells the place on the axis
    std::size_t y = 0;  ///< often the same
    bool isVerified = true;

    bool operator==(const PublishedMark&) const = default;
};

/// Marks of one model that stand on each axis with numbers that were measured alike. With trials they never share a
/// protocol, so that they are drawn beside them only when the user asks for it.
struct PublishedSeries
{
    QString id;      ///< tells it from all others, also in another session
    QString heading; ///< what was measured: "wikitext2_ppl@2048 against model_size_GB"
    QString xName;   ///< as the source calls it, with the unit where that does not say it: "model_size_MB [MiB]"
    QString yName;
    QString model; ///< may be empty
    std::vector<PublishedMark> marks = {};

    /// "Llama-2-7B: wikitext2_ppl@2048 against model_size_GB (5)", for legends.
    QString label() const;
};

/// All series with a place on both axes, in order of recording. What stands on an axis is decided by
/// core::standingBeside(). A point brings its own second value or condition; else another point of equal source, model,
/// method and conditions completes it, if of either there is only one that was measured so.
std::vector<PublishedSeries> publishedSeries(const ProjectSnapshot& snapshot, const MetricSummary& x,
                                             const MetricSummary& y);

/// Method, numbers, conditions, source and whether it was checked, one line each.
QStringList describePublished(const ProjectSnapshot& snapshot, const PublishedMark& mark);

} // namespace paretoscope::views
