// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/marker_painter.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QtTest>

#include <array>
#include <cmath>

using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

using Triple = std::array<double, 3>;
using Matrix = std::array<Triple, 3>;

/// Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency (2009),
/// severity 1.0, applied to linear RGB.
const std::map<QString, Matrix>& deficiencies()
{
    static const std::map<QString, Matrix> table {
        {u"none"_s, {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}},
        {u"protanopia"_s,
         {{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}}},
        {u"deuteranopia"_s,
         {{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}}},
        {u"tritanopia"_s,
         {{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}}},
    };
    return table;
}

Triple linearised(const QColor& colour)
{
    Triple rgb {};
    const std::array<double, 3> encoded {colour.redF(), colour.greenF(), colour.blueF()};
    for (std::size_t i = 0; i < 3; ++i)
        rgb[i] = encoded[i] <= 0.04045 ? encoded[i] / 12.92 : std::pow((encoded[i] + 0.055) / 1.055, 2.4);
    return rgb;
}

/// CIE L*a*b* (D65) of the colour as the deficiency sees it.
Triple labOf(const QColor& colour, const Matrix& deficiency)
{
    const Triple rgb = linearised(colour);
    Triple seen {};
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j)
            seen[i] += deficiency[i][j] * rgb[j];
        seen[i] = std::clamp(seen[i], 0.0, 1.0);
    }
    const double x = 0.4124 * seen[0] + 0.3576 * seen[1] + 0.1805 * seen[2];
    const double y = 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2];
    const double z = 0.0193 * seen[0] + 0.1192 * seen[1] + 0.9505 * seen[2];
    const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
    return {116 * f(y) - 16, 500 * (f(x / 0.95047) - f(y)), 200 * (f(y) - f(z / 1.08883))};
}

} // namespace

class TstTheme : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void contrast_data()
    {
        QTest::addColumn<QColor>("ink");
        QTest::addColumn<QColor>("ground");
        QTest::addColumn<double>("least");
        for (const auto& [name, palette] : {std::pair("light", lightPalette()), std::pair("dark", darkPalette())}) {
            const ThemeColours& colours = themeColours(palette);
            const auto row = [&](const char* what, const QColor& ink, const QColor& ground, double least) {
                QTest::addRow("%s: %s", name, what) << ink << ground << least;
            };
            const QColor window = palette.color(QPalette::Window);
            const QColor base = palette.color(QPalette::Base);
            const QColor alternate = palette.color(QPalette::AlternateBase);
            for (const auto& [where, ground] :
                 {std::pair("window", window), {"base", base}, {"alternate", alternate}}) {
                row(qPrintable(u"text on %1"_s.arg(QLatin1String(where))), palette.color(QPalette::Text), ground, 7);
                row(qPrintable(u"muted text on %1"_s.arg(QLatin1String(where))), colours.mutedText, ground, 4.5);
                row(qPrintable(u"placeholder on %1"_s.arg(QLatin1String(where))),
                    palette.color(QPalette::PlaceholderText), ground, 4.5);
                row(qPrintable(u"link on %1"_s.arg(QLatin1String(where))), palette.color(QPalette::Link), ground, 4.5);
                row(qPrintable(u"good on %1"_s.arg(QLatin1String(where))), colours.good, ground, 4.5);
                row(qPrintable(u"warning on %1"_s.arg(QLatin1String(where))), colours.warning, ground, 4.5);
                row(qPrintable(u"error on %1"_s.arg(QLatin1String(where))), colours.error, ground, 4.5);
            }
            row("button text", palette.color(QPalette::ButtonText), palette.color(QPalette::Button), 7);
            row("highlighted text", palette.color(QPalette::HighlightedText), palette.color(QPalette::Highlight), 4.0);
            row("tooltip", palette.color(QPalette::ToolTipText), palette.color(QPalette::ToolTipBase), 7);
            row("focus and selection ring", palette.color(QPalette::Highlight), colours.plotBackground, 3);
            row("front", colours.front, colours.plotBackground, 4.5);
            row("axis", colours.axis, colours.plotBackground, 3);
            row("ghost", colours.ghost, colours.plotBackground, 3);
            row("reference", colours.reference, colours.plotBackground, 3);
            for (std::size_t i = 0; i < colours.series.size(); ++i)
                row(qPrintable(u"series %1"_s.arg(i)), colours.series[i], colours.plotBackground, 3);
        }
    }
    void contrast()
    {
        QFETCH(QColor, ink);
        QFETCH(QColor, ground);
        QFETCH(double, least);
        const double ratio = contrastRatio(ink, ground);
        QVERIFY2(ratio >= least, qPrintable(u"%1 on %2: %3"_s.arg(ink.name(), ground.name()).arg(ratio)));
    }

    void contrastRatioKnowsItsEnds()
    {
        QCOMPARE(contrastRatio(Qt::black, Qt::white), 21.0);
        QCOMPARE(contrastRatio(Qt::white, Qt::white), 1.0);
    }

    void seriesStayApartWithDeficientColourVision_data()
    {
        QTest::addColumn<QString>("deficiency");
        QTest::addColumn<bool>("dark");
        for (const auto& [name, matrix] : deficiencies()) {
            QTest::addRow("%s, light", qPrintable(name)) << name << false;
            QTest::addRow("%s, dark", qPrintable(name)) << name << true;
        }
    }
    void seriesStayApartWithDeficientColourVision()
    {
        QFETCH(QString, deficiency);
        QFETCH(bool, dark);
        constexpr double kClearlyDifferent = 15; // CIE76; just noticeable is 2.3
        const auto& series = themeColours(dark ? darkPalette() : lightPalette()).series;
        const Matrix& matrix = deficiencies().at(deficiency);
        for (std::size_t i = 0; i < series.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                const Triple a = labOf(series[i], matrix);
                const Triple b = labOf(series[j], matrix);
                const double distance = std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
                QVERIFY2(distance >= kClearlyDifferent,
                         qPrintable(u"%1 and %2: %3"_s.arg(series[i].name(), series[j].name()).arg(distance)));
            }
        }
    }

    void neighbouringMethodsDifferInShapeToo()
    {
        for (int method = 1; method < 6; ++method)
            QVERIFY(lookOf(method, false, lightPalette()).shape != lookOf(method - 1, false, lightPalette()).shape);
        QCOMPARE(lookOf(0, true, lightPalette()).shape, kBaselineShape);
    }

    void paletteTellsItsSide()
    {
        QVERIFY(isDark(darkPalette()));
        QVERIFY(!isDark(lightPalette()));
        QCOMPARE(themeFromName(u"dark"_s), std::optional(Theme::Dark));
        QVERIFY(!themeFromName(u"sepia"_s));
    }

    void iconsTakeTheTextColour()
    {
        QGuiApplication::setPalette(darkPalette());
        const QImage image = themedIcon(u"fit"_s).pixmap(QSize(32, 32)).toImage();
        QVERIFY(!image.isNull());
        QColor strongest;
        for (int y = 0; y < image.height(); ++y) {
            for (int x = 0; x < image.width(); ++x) {
                if (image.pixelColor(x, y).alpha() == 255)
                    strongest = image.pixelColor(x, y);
            }
        }
        QCOMPARE(strongest.rgb(), darkPalette().color(QPalette::ButtonText).rgb());
    }

    void everyIconIsThere_data()
    {
        QTest::addColumn<QString>("file");
        QDir icons(u":/icons"_s);
        for (const QString& file : icons.entryList())
            QTest::addRow("%s", qPrintable(file)) << file;
    }
    void everyIconIsThere()
    {
        QFETCH(QString, file);
        const QPixmap pixmap = QIcon(u":/icons/"_s + file).pixmap(QSize(64, 64));
        QVERIFY(!pixmap.isNull());
    }
};

QTEST_MAIN(TstTheme)
#include "tst_theme.moc"
