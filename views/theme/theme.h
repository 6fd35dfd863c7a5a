// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QPalette>
#include <QString>

#include <array>
#include <optional>

namespace paretoscope::views {

enum class Theme
{
    System,
    Light,
    Dark
};

QString themeName(Theme theme); ///< "system", "light", "dark": as in settings and on the command line
std::optional<Theme> themeFromName(const QString& name);

/// Colours that a QPalette has no role for. Text reaches 4.5:1 and marks 3:1 on `plotBackground` and on the window in
/// both themes; the series stay apart under protanopia, deuteranopia and tritanopia (tests/gui/tst_theme).
struct ThemeColours
{
    QColor plotBackground;
    QColor grid;
    QColor axis;
    QColor mutedText;
    QColor front;
    QColor reference;
    QColor ghost; ///< points that are dominated or filtered out
    QColor good;
    QColor warning;
    QColor error;
    QColor border;
    std::array<QColor, 6> series;
};

QPalette lightPalette();
QPalette darkPalette();
bool isDark(const QPalette& palette);
/// The colours that go with the palette a widget has now.
const ThemeColours& themeColours(const QPalette& palette);

/// WCAG 2.1 contrast ratio, 1 to 21.
double contrastRatio(const QColor& a, const QColor& b);

} // namespace paretoscope::views
