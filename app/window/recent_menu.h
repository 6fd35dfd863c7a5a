// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/window_settings.h"

#include <QMenu>

namespace paretoscope::app {

/// File > Open recent: newest first, those that are gone greyed, and a way to forget them.
class RecentMenu : public QMenu
{
    Q_OBJECT

public:
    explicit RecentMenu(WindowSettings& settings, QWidget* parent = nullptr);

    void add(const QString& file);
    QList<QAction*> entries() const { return m_entries; }

Q_SIGNALS:
    void chosen(const QString& file);
    void listChanged();

private:
    void rebuild();

    WindowSettings& m_settings;
    QList<QAction*> m_entries;
};

} // namespace paretoscope::app
