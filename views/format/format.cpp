// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/format/format.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>

#include <algorithm>
#include <array>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views::format {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Format)
};

struct Scale
{
    double divisor;
    const char* unit;
};
constexpr std::array kByteScales {Scale {1, "B"}, Scale {1e3, "kB"}, Scale {1e6, "MB"}, Scale {1e9, "GB"},
                                  Scale {1e12, "TB"}};

Scale byteScale(double magnitude)
{
    Scale best = kByteScales.front();
    for (const Scale& scale : kByteScales) {
        if (magnitude >= scale.divisor * 0.9995) // 999.96 kB is written 1.00 MB, not 1000 kB
            best = scale;
    }
    return best;
}

/// Decimals that leave `significant` digits of `magnitude`.
int decimalsFor(double magnitude, int significant)
{
    if (!(magnitude > 0))
        return 0;
    const auto digits = [&](double value) { return significant - 1 - int(std::floor(std::log10(value))); };
    const double step = std::pow(10.0, -digits(magnitude));
    return std::clamp(digits(std::round(magnitude / step) * step), 0, 12); // 0.9996 is written 1.000, not 1.0000
}

constexpr int kColumnDigits = 4; ///< significant ones of every number in a table
constexpr int kMostDecimals = 6;
constexpr QChar kFigureSpace(u'\u2007');
constexpr QChar kPunctuationSpace(u'\u2008');

QString fixed(double value, int decimals)
{
    return QLocale().toString(value, 'f', decimals);
}

QDateTime parsedUtc(const QString& isoUtc)
{
    QDateTime time = QDateTime::fromString(isoUtc, Qt::ISODateWithMs);
    if (time.isValid() && time.timeSpec() == Qt::LocalTime)
        time.setTimeSpec(Qt::UTC);
    return time;
}

} // namespace

QString missing()
{
    return u"–"_s;
}

QString number(double value, int significant)
{
    if (std::isnan(value))
        return Text::tr("not a number");
    if (std::isinf(value))
        return value > 0 ? u"∞"_s : u"−∞"_s;
    const double magnitude = std::abs(value);
    if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e7))
        return QLocale().toString(value, 'e', significant - 1);
    if (value == std::floor(value) && magnitude < 1e7)
        return QLocale().toString(value, 'f', 0);
    return fixed(value, decimalsFor(magnitude, significant));
}

QString integer(std::int64_t value)
{
    return QLocale().toString(qlonglong(value));
}

QString valueWithError(double value, std::optional<double> standardError)
{
    if (!standardError || !(*standardError > 0) || !std::isfinite(*standardError) || !std::isfinite(value))
        return number(value);
    const int decimals = decimalsFor(*standardError, 2);
    return u"%1 ± %2"_s.arg(fixed(value, decimals), fixed(*standardError, decimals));
}

QString bytes(double value)
{
    if (!std::isfinite(value))
        return missing();
    const Scale scale = byteScale(std::abs(value));
    const double scaled = value / scale.divisor;
    const int decimals = scale.divisor == 1 ? 0 : decimalsFor(std::abs(scaled), 3);
    return u"%1 %2"_s.arg(fixed(scaled, decimals), QLatin1String(scale.unit));
}

QString duration(double seconds)
{
    if (!std::isfinite(seconds) || seconds < 0)
        return missing();
    if (seconds < 9.95)
        return Text::tr("%1 s").arg(fixed(seconds, seconds < 0.995 ? 2 : 1));
    const qint64 whole = std::llround(seconds);
    if (whole < 60)
        return Text::tr("%1 s").arg(whole);
    if (whole < 3600)
        return Text::tr("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, '0'_L1);
    if (whole < 48 * 3600)
        return Text::tr("%1 h %2 min").arg(whole / 3600).arg(whole % 3600 / 60, 2, 10, '0'_L1);
    return Text::tr("%1 d %2 h").arg(whole / 86400).arg(whole % 86400 / 3600);
}

QString dateTime(const QString& isoUtc)
{
    const QDateTime time = parsedUtc(isoUtc);
    return time.isValid() ? QLocale().toString(time.toLocalTime(), QLocale::ShortFormat) : isoUtc;
}

QString timeOfDay(const QString& isoUtc)
{
    const QDateTime time = parsedUtc(isoUtc);
    return time.isValid() ? time.toLocalTime().toString(u"HH:mm:ss"_s) : isoUtc;
}

QString shortId(const QString& hex)
{
    return hex.left(8);
}

QString metricValue(double value, const QString& unit, std::optional<double> standardError)
{
    if (unit == "B"_L1)
        return bytes(value);
    if (unit == "s"_L1)
        return value > 0 && value < 0.0995 ? Text::tr("%1 ms").arg(number(value * 1e3)) : duration(value);
    const QString text = valueWithError(value, standardError);
    return unit.isEmpty() ? text : u"%1 %2"_s.arg(text, unit);
}

QString titleWithUnit(const QString& title, const QString& unit)
{
    const bool saysUnit = unit.isEmpty() || (unit == "bit"_L1 && title.contains(unit, Qt::CaseInsensitive));
    return saysUnit ? title : u"%1 (%2)"_s.arg(title, unit);
}

ColumnStyle columnStyle(std::span<const double> values, const QString& unit)
{
    double largest = 0;
    bool integral = true;
    for (const double value : values) {
        if (!std::isfinite(value))
            continue;
        largest = std::max(largest, std::abs(value));
        integral = integral && value == std::floor(value);
    }
    ColumnStyle style {1, 0, unit};
    if (unit == "B"_L1) {
        const Scale scale = byteScale(largest);
        style.divisor = scale.divisor;
        style.unit = QLatin1String(scale.unit);
        integral = scale.divisor == 1;
    }
    for (const double value : values) {
        if (!integral && std::isfinite(value))
            style.decimals = std::max(style.decimals, decimalsFor(std::abs(value / style.divisor), kColumnDigits));
    }
    style.decimals = std::min(style.decimals, kMostDecimals);
    return style;
}

QString inColumn(double value, const ColumnStyle& style)
{
    if (!std::isfinite(value))
        return missing();
    const double scaled = value / style.divisor;
    const int own = decimalsFor(std::abs(scaled), kColumnDigits);
    if (scaled != 0 && own > kMostDecimals + kColumnDigits - 1)
        return number(scaled, kColumnDigits); // would be written as nothing but zeros
    const int decimals = scaled == 0 ? style.decimals : std::min(own, style.decimals);
    // Large numbers have fewer decimals than small ones; spaces of a digit's width keep the points in line.
    const int padding = style.decimals - decimals;
    const QString point = decimals == 0 && padding > 0 ? QString(kPunctuationSpace) : QString();
    return fixed(scaled, decimals) + point + QString(padding, kFigureSpace);
}

QString tick(double value, double step, const ColumnStyle& style)
{
    const double scaled = value / style.divisor;
    const double scaledStep = std::abs(step / style.divisor);
    if (std::abs(scaled) < scaledStep * 1e-9)
        return QLocale().toString(0);
    if (std::abs(scaled) >= 1e7 || std::abs(scaled) < 1e-4)
        return QLocale().toString(scaled, 'g', 3);
    int decimals = scaledStep > 0 ? 0 : 3;
    for (double rest = scaledStep; decimals < 9 && std::abs(rest - std::round(rest)) > 1e-6 * scaledStep; ++decimals)
        rest *= 10; // 0.25 needs two decimals, 0.5 one
    return fixed(scaled, decimals);
}

} // namespace paretoscope::views::format
