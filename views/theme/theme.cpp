// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/theme/theme.h"

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// The few colours a palette is made of.
struct Tones
{
    QRgb window, base, alternate, button, text, muted, disabled, accent, onAccent, border, tip, link;
};

constexpr Tones kLight {0xfff3f4f6, 0xffffffff, 0xfff7f8fa, 0xfffbfbfc, 0xff1b1f24, 0xff5a636e,
                        0xff9aa2ac, 0xff1560bd, 0xffffffff, 0xffd3d8de, 0xff24292f, 0xff1560bd};
constexpr Tones kDark {0xff24272c, 0xff1b1d21, 0xff202328, 0xff2d3137, 0xffe7e9ec, 0xffa4acb6,
                       0xff6d747d, 0xff2f7fe0, 0xffffffff, 0xff3c4149, 0xff3a3f47, 0xff62a6ff};

QPalette paletteOf(const Tones& tones, bool dark)
{
    const QColor button(tones.button);
    QPalette palette(button, QColor(tones.window));
    const auto set = [&](QPalette::ColorRole role, QRgb colour) { palette.setColor(role, QColor(colour)); };
    set(QPalette::Window, tones.window);
    set(QPalette::WindowText, tones.text);
    set(QPalette::Base, tones.base);
    set(QPalette::AlternateBase, tones.alternate);
    set(QPalette::Text, tones.text);
    set(QPalette::Button, tones.button);
    set(QPalette::ButtonText, tones.text);
    set(QPalette::BrightText, tones.onAccent);
    set(QPalette::Highlight, tones.accent);
    set(QPalette::HighlightedText, tones.onAccent);
    set(QPalette::ToolTipBase, tones.tip);
    set(QPalette::ToolTipText, 0xfff2f4f6);
    set(QPalette::PlaceholderText, tones.muted);
    set(QPalette::Link, tones.link);
    set(QPalette::LinkVisited, tones.link);
    palette.setColor(QPalette::Light, dark ? button.lighter(130) : QColor(Qt::white));
    palette.setColor(QPalette::Midlight, dark ? button.lighter(112) : QColor(0xffeceef1));
    set(QPalette::Mid, tones.border);
    palette.setColor(QPalette::Dark, dark ? QColor(0xff15171a) : QColor(0xffaab1ba));
    palette.setColor(QPalette::Shadow, dark ? QColor(0xff0d0e10) : QColor(0xff8a929c));
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, QColor(tones.disabled));
    palette.setColor(QPalette::Disabled, QPalette::Highlight, QColor(tones.border));
    palette.setColor(QPalette::Disabled, QPalette::HighlightedText, QColor(tones.disabled));
    return palette;
}

const ThemeColours& lightColours()
{
    static const ThemeColours colours {
        .plotBackground = QColor(kLight.base),
        .grid = QColor(0xffe6e9ed),
        .axis = QColor(0xff7a838e),
        .mutedText = QColor(kLight.muted),
        .front = QColor(0xff3a424c),
        .reference = QColor(0xff6a737e),
        .ghost = QColor(0xff8b939d),
        .good = QColor(0xff1a7f45),
        .warning = QColor(0xff8a5a00),
        .error = QColor(0xffc0261f),
        .border = QColor(kLight.border),
        .series = {QColor(0xff1560bd), QColor(0xffdb6400), QColor(0xff2a9d5c), QColor(0xff6e1042), QColor(0xffde5fb0),
                   QColor(0xff4f4200)},
    };
    return colours;
}

const ThemeColours& darkColours()
{
    static const ThemeColours colours {
        .plotBackground = QColor(kDark.base),
        .grid = QColor(0xff2e3238),
        .axis = QColor(0xff858d97),
        .mutedText = QColor(kDark.muted),
        .front = QColor(0xffc7ccd3),
        .reference = QColor(0xff9aa2ac),
        .ghost = QColor(0xff7c848e),
        .good = QColor(0xff4cc27f),
        .warning = QColor(0xffe0b040),
        .error = QColor(0xffff7a70),
        .border = QColor(kDark.border),
        .series = {QColor(0xff3f8ff0), QColor(0xfff08a3c), QColor(0xff2bb673), QColor(0xffffa8d2), QColor(0xffc9b8ff),
                   QColor(0xfff4e36a)},
    };
    return colours;
}

double linear(double channel)
{
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double luminance(const QColor& colour)
{
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF());
}

} // namespace

QString themeName(Theme theme)
{
    switch (theme) {
    case Theme::Light:
        return u"light"_s;
    case Theme::Dark:
        return u"dark"_s;
    case Theme::System:
        break;
    }
    return u"system"_s;
}

std::optional<Theme> themeFromName(const QString& name)
{
    for (const Theme theme : {Theme::System, Theme::Light, Theme::Dark}) {
        if (themeName(theme) == name)
            return theme;
    }
    return std::nullopt;
}

QPalette lightPalette()
{
    return paletteOf(kLight, false);
}

QPalette darkPalette()
{
    return paletteOf(kDark, true);
}

bool isDark(const QPalette& palette)
{
    return luminance(palette.color(QPalette::Window)) < luminance(palette.color(QPalette::WindowText));
}

const ThemeColours& themeColours(const QPalette& palette)
{
    return isDark(palette) ? darkColours() : lightColours();
}

double contrastRatio(const QColor& a, const QColor& b)
{
    const auto [low, high] = std::minmax({luminance(a), luminance(b)});
    return (high + 0.05) / (low + 0.05);
}

} // namespace paretoscope::views
