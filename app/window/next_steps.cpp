// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/next_steps.h"

#include "views/widgets/empty_state.h"

#include <QCoreApplication>

namespace paretoscope::app {

namespace {

constexpr qsizetype kRecentShown = 5;

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(NextSteps)
};

} // namespace

NextSteps::NextSteps(const ActionRegistry& registry, bool projectIsOpen, bool sweepIsRunning)
    : m_registry(registry)
    , m_isOpen(projectIsOpen)
    , m_isRunning(sweepIsRunning)
{}

QList<QAction*> NextSteps::commands(std::initializer_list<const char*> ids) const
{
    QList<QAction*> found;
    for (const char* id : ids)
        found << m_registry.find(QLatin1String(id));
    return found;
}

void NextSteps::showIn(views::EmptyState& state, Place place, const QList<QAction*>& recent) const
{
    switch (place) {
    case Place::Pareto:
        return showInPareto(state, recent);
    case Place::Trials:
        state.setText(m_isOpen ? Text::tr("No trials yet") : Text::tr("No project open"),
                      m_isOpen ? Text::tr("A sweep fills this table.")
                               : Text::tr("Trials and their numbers stand here."));
        return;
    case Place::Jobs:
        state.setText(Text::tr("Nothing is running"), Text::tr("A sweep shows its progress and its log here."));
        state.setActions(commands({"file.new-sweep"}));
        return;
    }
}

void NextSteps::showInPareto(views::EmptyState& state, const QList<QAction*>& recent) const
{
    if (m_isRunning) {
        state.setText(Text::tr("Waiting for the first finished trial"),
                      Text::tr("Points appear here one by one; the Jobs dock shows how far they are."));
        state.setActions({});
    } else if (m_isOpen) {
        state.setText(Text::tr("No measured trials yet"),
                      Text::tr("Start a sweep: every finished trial becomes a point of this plot."));
        state.setActions(commands({"file.new-sweep", "file.run-sweep"}));
    } else {
        state.setText(Text::tr("Which compressed model is worth its bytes?"),
                      Text::tr("Run the demo, compose a sweep over your own model, or open a project."));
        state.setActions(commands({"file.demo", "file.new-sweep", "file.open"}));
    }
    state.setLinks(Text::tr("Recent projects"), m_isOpen ? QList<QAction*>() : recent.mid(0, kRecentShown));
}

} // namespace paretoscope::app
