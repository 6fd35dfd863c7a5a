// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/action_registry.h"

namespace paretoscope::views {
class EmptyState;
}

namespace paretoscope::app {

/// What docks that have nothing to show say, and the commands they offer as the next step.
class NextSteps
{
public:
    enum class Place
    {
        Pareto,
        Trials,
        Jobs
    };

    NextSteps(const ActionRegistry& registry, bool projectIsOpen, bool sweepIsRunning);

    void showIn(views::EmptyState& state, Place place, const QList<QAction*>& recent = {}) const;

private:
    QList<QAction*> commands(std::initializer_list<const char*> ids) const;
    void showInPareto(views::EmptyState& state, const QList<QAction*>& recent) const;

    const ActionRegistry& m_registry;
    bool m_isOpen;
    bool m_isRunning;
};

} // namespace paretoscope::app
