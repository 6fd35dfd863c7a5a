// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/dock_layout.h"

#include <QDockWidget>
#include <QGuiApplication>
#include <QMainWindow>
#include <QScreen>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

DockLayout::DockLayout(QMainWindow& window)
    : QObject(&window)
    , m_window(window)
{
    m_window.setDockNestingEnabled(true);
    m_window.setDockOptions(QMainWindow::AllowNestedDocks | QMainWindow::AllowTabbedDocks |
                            QMainWindow::GroupedDragging | QMainWindow::AnimatedDocks);
    m_window.setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    m_window.setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
}

QDockWidget* DockLayout::add(const QString& id, const QString& title, QWidget* view)
{
    auto* dock = new QDockWidget(title, &m_window);
    dock->setObjectName(u"dock.%1"_s.arg(id));
    dock->setWidget(view);
    m_docks[id] = dock;
    m_order << dock;
    return dock;
}

void DockLayout::applyDefault()
{
    QDockWidget* pareto = dock(u"pareto"_s);
    QDockWidget* roofline = dock(u"roofline"_s);
    QDockWidget* inspector = dock(u"inspector"_s);
    QDockWidget* trials = dock(u"trials"_s);
    QDockWidget* jobs = dock(u"jobs"_s);
    for (QDockWidget* each : m_order) {
        each->setFloating(false);
        m_window.removeDockWidget(each);
    }
    m_window.addDockWidget(Qt::LeftDockWidgetArea, pareto);
    m_window.addDockWidget(Qt::LeftDockWidgetArea, trials);
    m_window.splitDockWidget(pareto, trials, Qt::Vertical);
    m_window.tabifyDockWidget(pareto, roofline);
    m_window.tabifyDockWidget(trials, jobs);
    m_window.addDockWidget(Qt::RightDockWidgetArea, inspector);
    for (QDockWidget* each : m_order)
        each->show();
    pareto->raise();
    trials->raise();
    const QSize size = m_window.size();
    m_window.resizeDocks({pareto, inspector}, {size.width() * 72 / 100, size.width() * 28 / 100}, Qt::Horizontal);
    m_window.resizeDocks({pareto, trials}, {size.height() * 60 / 100, size.height() * 40 / 100}, Qt::Vertical);
}

bool DockLayout::restore(const WindowSettings& settings)
{
    const QByteArray geometry = settings.geometry();
    if (geometry.isEmpty() || !m_window.restoreGeometry(geometry)) {
        const QSize available = m_window.screen()->availableSize();
        m_window.resize(QSize(1360, 860).boundedTo(available * 9 / 10));
    }
    applyDefault();
    const QByteArray layout = settings.layout();
    if (layout.isEmpty())
        return true;
    const bool restored = m_window.restoreState(layout);
    const bool anyVisible =
        std::any_of(m_order.begin(), m_order.end(), [](const QDockWidget* each) { return !each->isHidden(); });
    if (restored && anyVisible)
        return true;
    applyDefault();
    return false;
}

void DockLayout::save(WindowSettings& settings) const
{
    settings.setLayout(m_window.saveGeometry(), m_window.saveState());
}

} // namespace paretoscope::app
