// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// The only place that turns numbers, sizes and times into text for people. Locale of the user; sizes in powers of
/// ten (kB, MB, GB) everywhere in the window, so that 2 bytes times 134.5 M parameters reads 269 MB.
namespace paretoscope::views::format {

/// What stands where a value is missing.
QString missing();

/// Four significant digits unless told otherwise; powers of ten only below 1e-4 and from 1e7 on.
QString number(double value, int significant = 4);
QString integer(std::int64_t value);
/// "91.35 ± 0.42": the error with two significant digits, the value with as many decimals.
QString valueWithError(double value, std::optional<double> standardError);
/// "1.05 MB"; three significant digits.
QString bytes(double value);
/// "0.42 s", "42 s", "3 min 05 s", "2 h 14 min".
QString duration(double seconds);
/// Local date and time of an ISO-8601 UTC stamp; the text itself when it is none.
QString dateTime(const QString& isoUtc);
/// Time of day of an ISO-8601 UTC stamp, for logs.
QString timeOfDay(const QString& isoUtc);
/// The first digits of a 64-digit id, enough to tell trials apart.
QString shortId(const QString& hex);

/// A value of a metric with its unit ("B", "s", "bit", "" ...) and, where known, its standard error.
QString metricValue(double value, const QString& unit, std::optional<double> standardError = {});

/// "Stored size (MB)"; a title that says its unit ("Bits per parameter") stays as it is.
QString titleWithUnit(const QString& title, const QString& unit);

/// How all numbers of one column are written, so that decimal points and units line up.
struct ColumnStyle
{
    double divisor = 1;
    int decimals = 0;
    QString unit; ///< shown in the header
    bool operator==(const ColumnStyle&) const = default;
};

/// Unit and decimals that suit all `values` (of the base unit `unit`).
ColumnStyle columnStyle(std::span<const double> values, const QString& unit);
/// Four significant digits, padded with spaces of a digit's width so that right-aligned numbers line up at the point.
QString inColumn(double value, const ColumnStyle& style);

/// Label of an axis tick; `step` is the distance of two ticks and decides the decimals.
QString tick(double value, double step, const ColumnStyle& style);

} // namespace paretoscope::views::format
