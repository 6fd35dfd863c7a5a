// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/marker_painter.h"
#include "views/roofline/roofline_session.h"

#include <QPointF>

namespace paretoscope::views {

/// What a profiler counted of a range, as a point of the chart: FLOPs per byte and FLOPs per second.
struct CountedMark
{
    QString name;
    QPointF place;                   ///< at the outermost level that was counted
    std::vector<QPointF> inner = {}; ///< at the levels nearer to the processor
    double seconds = 0;
    QStringList lines = {}; ///< all its numbers: label and text of assistive technology
};

/// Those with FLOPs and bytes, the longest first. @param device whose roofs they are held against
std::vector<CountedMark> countedMarks(const ShownCounters& counters, const roofline::HardwareSpec& device);

MethodLook countedLook(const QPalette& palette);

} // namespace paretoscope::views
