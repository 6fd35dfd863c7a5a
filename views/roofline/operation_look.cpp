// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/operation_look.h"

namespace paretoscope::views {

MethodLook lookOf(roofline::Bound bound, const QPalette& palette)
{
    constexpr int kCircle = 0;
    constexpr int kSquare = 1;
    constexpr int kTriangle = 2;
    constexpr int kDiamond = 3;
    const auto& series = themeColours(palette).series;
    switch (bound) {
    case roofline::Bound::Memory:
        return {series[0], kCircle};
    case roofline::Bound::Compute:
        return {series[1], kSquare};
    case roofline::Bound::Launch:
        return {series[2], kTriangle};
    case roofline::Bound::Communication:
        break;
    }
    return {series[4], kDiamond};
}

QColor colourOf(roofline::OperationKind kind, const QPalette& palette)
{
    const auto& series = themeColours(palette).series;
    return series[std::size_t(kind) % series.size()];
}

} // namespace paretoscope::views
