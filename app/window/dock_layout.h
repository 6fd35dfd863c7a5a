// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/window_settings.h"

#include <QHash>
#include <QObject>

class QDockWidget;
class QMainWindow;

namespace paretoscope::app {

/// The docks of the window: where they stand at first, and where the user has put them.
class DockLayout : public QObject
{
    Q_OBJECT

public:
    explicit DockLayout(QMainWindow& window);

    /// Wraps `view` into a dock named `id`. Docks must be added in the order pareto, roofline, inspector, trials, jobs.
    QDockWidget* add(const QString& id, const QString& title, QWidget* view);
    QDockWidget* dock(const QString& id) const { return m_docks.value(id); }
    const QList<QDockWidget*>& docks() const { return m_order; }

    void applyDefault();
    /// False when something was saved and it could not be used; the default stands then.
    bool restore(const WindowSettings& settings);
    void save(WindowSettings& settings) const;

private:
    QMainWindow& m_window;
    QHash<QString, QDockWidget*> m_docks;
    QList<QDockWidget*> m_order;
};

} // namespace paretoscope::app
