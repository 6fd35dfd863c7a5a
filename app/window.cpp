// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window.h"

#include "app/main_window.h"
#include "app/window/screenshot.h"
#include "app/window/start_options.h"
#include "app/window/theme_controller.h"
#include "core/base/installation.h"
#include "views/format/text.h"
#include "views/theme/icons.h"

#include <QApplication>
#include <QTemporaryDir>
#include <QTimer>
#include <QTranslator>

#include <algorithm>
#include <cstdio>
#include <string_view>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

constexpr int kUsage = 2;

/// A screenshot needs no display; the platform has to be known before there is a QApplication.
void choosePlatform(int argc, char** argv)
{
    const bool wantsScreenshot = std::any_of(argv + 1, argv + argc, [](std::string_view argument) {
        return argument == "--screenshot" || argument.starts_with("--screenshot=");
    });
    if (wantsScreenshot && !qEnvironmentVariableIsSet("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
}

/// The catalogue of the user's language, else the plural forms of English.
void loadTranslation(QTranslator& translator)
{
    const QString folder = u":/translations"_s;
    if (translator.load(QLocale(), u"paretoscope"_s, u"_"_s, folder) || translator.load(u"paretoscope_en"_s, folder))
        QCoreApplication::installTranslator(&translator);
}

} // namespace

int runWindow(int argc, char** argv)
{
    choosePlatform(argc, argv);
    QApplication application(argc, argv);
    QApplication::setApplicationName(u"paretoscope"_s);
    QApplication::setApplicationDisplayName(u"Paretoscope"_s);
    QApplication::setApplicationVersion(QLatin1String(PARETOSCOPE_VERSION));
    QApplication::setDesktopFileName(u"paretoscope"_s);
    const core::Result<StartOptions> options = readStartOptions(QApplication::arguments());
    if (!options.ok()) {
        std::fprintf(stderr, "paretoscope: %s\n", options.error().sentence().c_str());
        return kUsage;
    }
    const StartOptions& start = options.value();
    QTranslator translator;
    loadTranslation(translator);
    QApplication::setWindowIcon(views::applicationIcon());

    // A screenshot shows the window as a new user sees it, whatever is set on this machine.
    const QTemporaryDir fresh;
    const QString settingsFile = start.screenshot.isEmpty() ? views::pathText(core::userConfigFolder() / "window.ini")
                                                            : fresh.filePath(u"window.ini"_s);
    WindowSettings settings(settingsFile);
    ThemeController theme;
    theme.setTheme(start.theme.value_or(start.screenshot.isEmpty() ? settings.theme() : views::Theme::Light));
    MainWindow window(settings, theme);
    if (start.size.isValid())
        window.resizeTo(start.size);
    if (!start.screenshot.isEmpty())
        takeScreenshot(window, start);
    if (start.quitAfterShow)
        reportFirstPaint(window);
    window.show();
    QTimer::singleShot(0, &window, [&] {
        theme.followDesktop();
        window.showDock(start.dock);
        for (const QString& file : start.files)
            window.openFile(file);
    });
    return QApplication::exec();
}

} // namespace paretoscope::app
