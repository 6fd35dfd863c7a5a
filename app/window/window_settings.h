// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/theme/theme.h"

#include <QByteArray>
#include <QJsonObject>
#include <QSettings>
#include <QStringList>

namespace paretoscope::app {

/// What the window remembers: theme, recent projects, layout, state of the views. One INI file that tests bring along;
/// nothing in it is trusted, and whatever does not fit counts as not there.
class WindowSettings
{
public:
    explicit WindowSettings(const QString& file);

    views::Theme theme() const;
    void setTheme(views::Theme theme);

    QStringList recentFiles() const; ///< newest first, at most kMaxRecent; some may be gone
    void addRecentFile(const QString& file);
    void clearRecentFiles();
    static constexpr int kMaxRecent = 10;

    QByteArray geometry() const;
    QByteArray layout() const; ///< empty when it was saved by another version of the layout
    void setLayout(const QByteArray& geometry, const QByteArray& layout);
    void forgetLayout();

    QJsonObject viewState(const QString& view) const;
    void setViewState(const QString& view, const QJsonObject& state);

    void sync() { m_settings.sync(); }

private:
    QSettings m_settings;
};

} // namespace paretoscope::app
