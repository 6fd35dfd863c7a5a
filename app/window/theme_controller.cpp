// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/theme_controller.h"

#include "views/theme/window_style.h"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDBusVariant>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

// The freedesktop portal's setting, version 1: 0 no preference, 1 dark, 2 light.
const QString kService = u"org.freedesktop.portal.Desktop"_s;
const QString kPath = u"/org/freedesktop/portal/desktop"_s;
const QString kInterface = u"org.freedesktop.portal.Settings"_s;
const QString kSpace = u"org.freedesktop.appearance"_s;
const QString kKey = u"color-scheme"_s;
constexpr uint kPrefersDark = 1;

uint schemeOf(QVariant value)
{
    while (value.canConvert<QDBusVariant>())
        value = value.value<QDBusVariant>().variant();
    return value.toUInt();
}

} // namespace

ThemeController::ThemeController(QObject* parent)
    : QObject(parent)
    , m_desktopIsDark(views::isDark(QGuiApplication::palette())) // what the platform plugin knows
{
    QApplication::setStyle(new views::WindowStyle); // the application owns it
}

void ThemeController::setTheme(views::Theme theme)
{
    m_theme = theme;
    apply();
}

void ThemeController::apply()
{
    const bool dark = m_theme == views::Theme::Dark || (m_theme == views::Theme::System && m_desktopIsDark);
    const QPalette palette = dark ? views::darkPalette() : views::lightPalette();
    if (QApplication::palette() != palette)
        QApplication::setPalette(palette);
}

void ThemeController::followDesktop()
{
    if (qEnvironmentVariableIsEmpty("DBUS_SESSION_BUS_ADDRESS"))
        return;
    QDBusConnection bus = QDBusConnection::sessionBus();
    bus.connect(kService, kPath, kInterface, u"SettingChanged"_s, this,
                SLOT(takeSetting(QString, QString, QDBusVariant)));
    QDBusMessage question = QDBusMessage::createMethodCall(kService, kPath, kInterface, u"Read"_s);
    question << kSpace << kKey;
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(question, 2000), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [this](QDBusPendingCallWatcher* finished) {
        const QDBusPendingReply<QDBusVariant> reply = *finished;
        if (!reply.isError())
            takeScheme(schemeOf(QVariant::fromValue(reply.value())));
        finished->deleteLater();
    });
}

void ThemeController::takeSetting(const QString& space, const QString& key, const QDBusVariant& value)
{
    if (space == kSpace && key == kKey)
        takeScheme(schemeOf(QVariant::fromValue(value)));
}

void ThemeController::takeScheme(uint scheme)
{
    m_desktopIsDark = scheme == kPrefersDark;
    apply();
}

} // namespace paretoscope::app
