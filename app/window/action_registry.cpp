// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/action_registry.h"

#include "core/base/assert.h"
#include "views/theme/icons.h"

#include <QAction>
#include <QWidget>

namespace paretoscope::app {

QAction* ActionRegistry::create(const QString& id, const QString& text, const QString& tip, const QString& icon)
{
    auto* action = new QAction(text, this);
    if (!icon.isEmpty())
        action->setIcon(views::themedIcon(icon));
    action->setObjectName(id);
    action->setToolTip(tip);
    action->setStatusTip(tip);
    add(action);
    return action;
}

void ActionRegistry::add(QAction* action)
{
    PSC_ASSERT(!action->objectName().isEmpty(), "a command needs an id");
    PSC_ASSERT(!find(action->objectName()), "two commands share an id");
    m_actions << action;
    connect(action, &QObject::destroyed, this, [this, action] { m_actions.removeAll(action); });
}

void ActionRegistry::addAllOf(const QWidget& widget)
{
    for (QAction* action : widget.actions()) {
        if (!action->objectName().isEmpty())
            add(action);
    }
}

QAction* ActionRegistry::find(const QString& id) const
{
    for (QAction* action : m_actions) {
        if (action->objectName() == id)
            return action;
    }
    return nullptr;
}

} // namespace paretoscope::app
