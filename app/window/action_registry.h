// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QObject>

class QAction;
class QWidget;

namespace paretoscope::app {

/// Every command of the window, once: menus, tool buttons, command palette and tests use these objects.
class ActionRegistry : public QObject
{
    Q_OBJECT

public:
    using QObject::QObject;

    /// A new command, owned here.
    QAction* create(const QString& id, const QString& text, const QString& tip, const QString& icon = {});
    /// A command that somebody else owns; its objectName is the id.
    void add(QAction* action);
    void addAllOf(const QWidget& widget); ///< its actions() that have an id

    QAction* find(const QString& id) const; ///< null when there is none
    const QList<QAction*>& actions() const { return m_actions; }

private:
    QList<QAction*> m_actions;
};

} // namespace paretoscope::app
