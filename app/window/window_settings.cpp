// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/window_settings.h"

#include <QFileInfo>
#include <QJsonDocument>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {
constexpr int kLayoutVersion = 2; ///< raised when docks are renamed or the default changes for good
}

WindowSettings::WindowSettings(const QString& file)
    : m_settings(file, QSettings::IniFormat)
{}

views::Theme WindowSettings::theme() const
{
    return views::themeFromName(m_settings.value(u"look/theme"_s).toString()).value_or(views::Theme::System);
}

void WindowSettings::setTheme(views::Theme theme)
{
    m_settings.setValue(u"look/theme"_s, views::themeName(theme));
}

QStringList WindowSettings::recentFiles() const
{
    return m_settings.value(u"recent/files"_s).toStringList().mid(0, kMaxRecent);
}

void WindowSettings::addRecentFile(const QString& file)
{
    QStringList files = recentFiles();
    const QString absolute = QFileInfo(file).absoluteFilePath();
    files.removeAll(absolute);
    files.prepend(absolute);
    m_settings.setValue(u"recent/files"_s, files.mid(0, kMaxRecent));
}

void WindowSettings::clearRecentFiles()
{
    m_settings.remove(u"recent/files"_s);
}

QByteArray WindowSettings::geometry() const
{
    return m_settings.value(u"window/geometry"_s).toByteArray();
}

QByteArray WindowSettings::layout() const
{
    if (m_settings.value(u"window/layoutVersion"_s).toInt() != kLayoutVersion)
        return {};
    return m_settings.value(u"window/layout"_s).toByteArray();
}

void WindowSettings::setLayout(const QByteArray& geometry, const QByteArray& layout)
{
    m_settings.setValue(u"window/geometry"_s, geometry);
    m_settings.setValue(u"window/layout"_s, layout);
    m_settings.setValue(u"window/layoutVersion"_s, kLayoutVersion);
}

void WindowSettings::forgetLayout()
{
    m_settings.remove(u"window/layout"_s);
}

QJsonObject WindowSettings::viewState(const QString& view) const
{
    return QJsonDocument::fromJson(m_settings.value(u"views/%1"_s.arg(view)).toByteArray()).object();
}

void WindowSettings::setViewState(const QString& view, const QJsonObject& state)
{
    m_settings.setValue(u"views/%1"_s.arg(view), QJsonDocument(state).toJson(QJsonDocument::Compact));
}

} // namespace paretoscope::app
