// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/format/scaled.h"

#include "views/format/format.h"

#include <QLocale>

#include <array>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views::format {

namespace {

struct Prefix
{
    double factor;
    const char* sign;
};
constexpr std::array kPrefixes {Prefix {1e18, "E"}, Prefix {1e15, "P"}, Prefix {1e12, "T"}, Prefix {1e9, "G"},
                                Prefix {1e6, "M"},  Prefix {1e3, "k"},  Prefix {1, ""},     Prefix {1e-3, "m"},
                                Prefix {1e-6, "µ"}, Prefix {1e-9, "n"}};

/// Fractions of bytes and FLOPs do not exist; those of seconds, joules and ratios do.
bool isDivisible(const QString& unit)
{
    return unit == "s"_L1 || unit == "J"_L1;
}

} // namespace

QString scaled(double value, const QString& unit)
{
    if (!std::isfinite(value))
        return missing();
    const double magnitude = std::abs(value);
    const bool isRatio = unit == "FLOP/B"_L1 || unit.isEmpty();
    Prefix prefix {1, ""};
    if (magnitude > 0 && !isRatio) {
        for (const Prefix& candidate : kPrefixes) {
            if (candidate.factor < 1 && !isDivisible(unit))
                break;
            if (unit == "s"_L1 && candidate.factor > 1)
                continue;
            prefix = candidate;
            if (magnitude >= candidate.factor * 0.9995)
                break;
        }
    }
    const QString text = number(value / prefix.factor, 4);
    const QString full = QString::fromUtf8(prefix.sign) + unit;
    return full.isEmpty() ? text : u"%1 %2"_s.arg(text, full);
}

QString percent(double share)
{
    if (!std::isfinite(share))
        return missing();
    const double value = 100 * share;
    if (value > 0 && value < 0.005)
        return u"<%1 %"_s.arg(QLocale().toString(0.01, 'f', 2));
    const int decimals = value >= 9.95 || value == 0 ? 0 : (value >= 0.095 ? 1 : 2);
    return u"%1 %"_s.arg(QLocale().toString(value, 'f', decimals));
}

} // namespace paretoscope::views::format
