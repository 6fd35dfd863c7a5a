// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/pareto_data.h"

#include <QPolygonF>

#include <optional>

namespace paretoscope::views {

struct AxisRange
{
    double lower = 0;
    double upper = 1;
    bool logarithmic = false;
    bool operator==(const AxisRange&) const = default;

    double size() const { return upper - lower; }
    bool contains(double value) const { return value >= lower && value <= upper; }
    /// 0 at `lower`, 1 at `upper`.
    double fraction(double value) const;
    double valueAt(double fraction) const;
    /// Zoomed by `factor` (< 1 = closer) with `fixed` staying where it is; refuses to leave the range of doubles.
    AxisRange zoomed(double factor, double fixed) const;
    AxisRange shifted(double fractions) const;
    /// Around [low, high] with room at both ends; positive when logarithmic.
    static AxisRange around(double low, double high, bool logarithmic);
};

/// Where the plot lies on the widget and what it shows: maps values to device-independent pixels.
struct PlotFrame
{
    QRectF area;
    AxisRange x;
    AxisRange y;
    bool operator==(const PlotFrame&) const = default;

    QPointF toPixel(QPointF value) const;
    QPointF toValue(QPointF pixel) const;
    bool shows(QPointF value) const { return x.contains(value.x()) && y.contains(value.y()); }
};

/// What is painted, in pixels; built once per data and frame.
struct ParetoGeometry
{
    PlotFrame frame;
    std::vector<QPointF> pixels; ///< parallel to ParetoData::points
    QPolygonF front;
    std::vector<QPointF> references;
    std::vector<QPointF> published; ///< parallel to ParetoData::published

    /// The point nearest to `position` within `radius`; front points win over ghosts at equal distance.
    std::optional<int> hit(const ParetoData& data, QPointF position, double radius) const;
    /// The published point nearest to `position` within `radius`.
    std::optional<int> hitPublished(const ParetoData& data, QPointF position, double radius) const;
    std::vector<int> inside(const ParetoData& data, const QRectF& band) const;
};

ParetoGeometry prepareGeometry(const ParetoData& data, const PlotFrame& frame);

} // namespace paretoscope::views
