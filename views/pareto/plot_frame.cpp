// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/plot_frame.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::views {

namespace {

constexpr double kRoom = 0.07;      ///< of the range, free at both ends of a fitted axis
constexpr double kSmallest = 1e-12; ///< closest zoom, relative to the values

} // namespace

double AxisRange::fraction(double value) const
{
    if (!logarithmic)
        return (value - lower) / (upper - lower);
    return std::log(value / lower) / std::log(upper / lower);
}

double AxisRange::valueAt(double fraction) const
{
    return logarithmic ? lower * std::pow(upper / lower, fraction) : lower + fraction * (upper - lower);
}

AxisRange AxisRange::zoomed(double factor, double fixed) const
{
    const double at = fraction(fixed);
    AxisRange result = *this;
    result.lower = valueAt(at - at * factor);
    result.upper = valueAt(at + (1 - at) * factor);
    const double magnitude = std::max(std::abs(result.lower), std::abs(result.upper));
    const bool usable = std::isfinite(result.lower) && std::isfinite(result.upper) && magnitude < 1e250 &&
                        result.size() > magnitude * kSmallest && (!logarithmic || result.lower > 1e-250);
    return usable ? result : *this;
}

AxisRange AxisRange::shifted(double fractions) const
{
    AxisRange result = *this;
    result.lower = valueAt(fractions);
    result.upper = valueAt(1 + fractions);
    const bool usable = std::isfinite(result.lower) && std::isfinite(result.upper) && result.upper > result.lower &&
                        (!logarithmic || result.lower > 1e-250);
    return usable ? result : *this;
}

AxisRange AxisRange::around(double low, double high, bool logarithmic)
{
    if (logarithmic) {
        if (!(high > 0))
            return {0.1, 10, true};
        low = low > 0 ? low : high / 10;
        const double room = std::max(std::pow(high / low, kRoom), low == high ? 1.2 : 1.0 + 1e-6);
        return {low / room, high * room, true};
    }
    double room = (high - low) * kRoom;
    if (!(room > 0))
        room = low == 0 ? 1 : std::abs(low) * 0.2;
    return {low - room, high + room, false};
}

QPointF PlotFrame::toPixel(QPointF value) const
{
    return {area.left() + x.fraction(value.x()) * area.width(), area.bottom() - y.fraction(value.y()) * area.height()};
}

QPointF PlotFrame::toValue(QPointF pixel) const
{
    return {x.valueAt((pixel.x() - area.left()) / area.width()),
            y.valueAt((area.bottom() - pixel.y()) / area.height())};
}

std::optional<int> ParetoGeometry::hit(const ParetoData& data, QPointF position, double radius) const
{
    std::optional<int> best;
    double bestDistance = radius;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const ParetoPoint& point = data.points[i];
        const QPointF offset = pixels[i] - position;
        const double handicap = point.onFront ? 0 : 1; // of two that overlap, the one on the front is meant
        const double distance = std::hypot(offset.x(), offset.y()) + handicap;
        if (distance <= bestDistance && frame.shows(point.value)) {
            best = int(i);
            bestDistance = distance;
        }
    }
    return best;
}

std::optional<int> ParetoGeometry::hitPublished(const ParetoData& data, QPointF position, double radius) const
{
    std::optional<int> best;
    double bestDistance = radius;
    for (std::size_t i = 0; i < published.size(); ++i) {
        const QPointF offset = published[i] - position;
        const double distance = std::hypot(offset.x(), offset.y());
        if (distance <= bestDistance && frame.shows(data.published[i].value)) {
            best = int(i);
            bestDistance = distance;
        }
    }
    return best;
}

std::vector<int> ParetoGeometry::inside(const ParetoData& data, const QRectF& band) const
{
    std::vector<int> found;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        if (band.contains(pixels[i]) && data.points[i].accepted)
            found.push_back(int(i));
    }
    return found;
}

ParetoGeometry prepareGeometry(const ParetoData& data, const PlotFrame& frame)
{
    ParetoGeometry geometry;
    geometry.frame = frame;
    geometry.pixels.reserve(data.points.size());
    for (const ParetoPoint& point : data.points)
        geometry.pixels.push_back(frame.toPixel(point.value));
    for (const ReferenceMark& mark : data.references)
        geometry.references.push_back(frame.toPixel(mark.value));
    for (const PublishedMark& mark : data.published)
        geometry.published.push_back(frame.toPixel(mark.value));
    // The staircase leaves the plot at its bad ends, however far the user has zoomed out.
    const QPointF farEnds(frame.x.valueAt(data.x.minimise ? 2 : -1), frame.y.valueAt(data.y.minimise ? 2 : -1));
    const QRectF roomy =
        frame.area.adjusted(-frame.area.width(), -frame.area.height(), frame.area.width(), frame.area.height());
    for (const QPointF& corner : staircase(data, farEnds)) {
        const QPointF pixel = frame.toPixel(corner);
        if (std::isnan(pixel.x()) || std::isnan(pixel.y()))
            continue; // a negative value on a logarithmic axis
        geometry.front << QPointF(std::clamp(pixel.x(), roomy.left(), roomy.right()),
                                  std::clamp(pixel.y(), roomy.top(), roomy.bottom()));
    }
    return geometry;
}

} // namespace paretoscope::views
