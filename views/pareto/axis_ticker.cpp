// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/axis_ticker.h"

#include <array>
#include <cmath>
#include <span>

namespace paretoscope::views {

namespace {

constexpr double kLinearDecades = 0.35; ///< up to here round steps look better than powers

/// What gets a label within each decade, so that about five to nine labels stand on the axis.
std::span<const double> mantissas(double decades)
{
    static constexpr std::array kMany {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0};
    static constexpr std::array kFew {1.0, 2.0, 5.0};
    static constexpr std::array kOne {1.0};
    if (decades < 1.3)
        return kMany;
    return decades < 2.7 ? std::span<const double>(kFew) : std::span<const double>(kOne);
}

double decadesOf(const QCPRange& range)
{
    return range.lower > 0 ? std::log10(range.upper / range.lower) : 0;
}

} // namespace

QString fittingTitle(const QString& title, const QString& unit, const QFontMetrics& metrics, int room)
{
    const QString whole = format::titleWithUnit(title, unit);
    if (metrics.horizontalAdvance(whole) <= room)
        return whole;
    return metrics.elidedText(unit.isEmpty() ? whole : unit, Qt::ElideRight, room);
}

double MetricTicker::getTickStep(const QCPRange& range)
{
    m_decades = m_logarithmic && decadesOf(range) > kLinearDecades;
    m_step = QCPAxisTicker::getTickStep(range);
    return m_step;
}

int MetricTicker::getSubTickCount(double tickStep)
{
    return m_decades ? 0 : QCPAxisTicker::getSubTickCount(tickStep);
}

QString MetricTicker::getTickLabel(double tick, const QLocale&, QChar, int)
{
    // A tick of a logarithmic axis shows its own digits, two at most: 15, 70, 0.2.
    const double digit = m_decades ? std::pow(10.0, std::floor(std::log10(tick))) : m_step;
    const bool isHalf = m_decades && std::abs(tick / digit - std::round(tick / digit)) > 0.1;
    return format::tick(tick, isHalf ? digit / 2 : digit, m_style);
}

QVector<double> MetricTicker::createTickVector(double tickStep, const QCPRange& range)
{
    if (!m_decades)
        return QCPAxisTicker::createTickVector(tickStep, range);
    const double decades = decadesOf(range);
    const int stride = std::max(1, int(std::ceil(decades / 8)));
    QVector<double> ticks;
    for (int exponent = int(std::floor(std::log10(range.lower))); exponent <= int(std::log10(range.upper)) + 1;
         ++exponent) {
        if (exponent % stride != 0)
            continue;
        for (const double mantissa : mantissas(decades))
            ticks << mantissa * std::pow(10.0, exponent);
    }
    return ticks;
}

QVector<double> MetricTicker::createSubTickVector(int subTickCount, const QVector<double>& ticks)
{
    if (!m_decades)
        return QCPAxisTicker::createSubTickVector(subTickCount, ticks);
    QVector<double> minor;
    if (ticks.isEmpty())
        return minor;
    for (double decade = std::pow(10.0, std::floor(std::log10(ticks.first()))); decade <= ticks.last() * 10;
         decade *= 10) {
        for (int factor = 2; factor < 10; ++factor)
            minor << factor * decade;
    }
    return minor;
}

} // namespace paretoscope::views
