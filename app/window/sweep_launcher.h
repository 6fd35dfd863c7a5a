// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/plugin/manifest.h"
#include "jobs/command_approval.h"
#include "views/sweep_builder/sweep_builder.h"

#include <QObject>
#include <QPointer>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace paretoscope::views {
class JobsView;
class MessageBar;
} // namespace paretoscope::views

namespace paretoscope::app {

class ProjectSession;

/// How sweeps of the window begin and end: the builder that composes them, the question about their commands, starting,
/// stopping, going on, and what is told of them.
class SweepLauncher : public QObject
{
    Q_OBJECT

public:
    /// What it works with; all of it outlives this object.
    struct Parts
    {
        ProjectSession& session;
        views::JobsView& jobs;
        views::MessageBar& messages;
        std::function<std::shared_ptr<const core::PluginCatalogue>()> plugins;
    };

    /// @param window parent of the dialogs
    SweepLauncher(Parts parts, QWidget* window);

    views::SweepBuilder& builder(); ///< made when it is first needed
    /// Shows the builder, for the project that is open.
    void compose();
    void stop();
    /// Asks whether the sweep that runs is to be stopped; `ended` is called when it has ended after that.
    void askToStop(std::function<void()> ended);

public Q_SLOTS:
    /// Asks first where trials that are to run have commands.
    void start(const paretoscope::views::SweepOrder& order);

Q_SIGNALS:
    void started(); ///< being prepared
    void savedFile(const QString& file);

private:
    void askAbout(const std::vector<jobs::SweepCommand>& commands);
    void followRun();
    void end(); ///< of a sweep

    Parts m_parts;
    QWidget* m_window;
    QPointer<views::SweepBuilder> m_builder;
    std::optional<views::SweepOrder> m_lastOrder;
    std::function<void()> m_whenEnded;
};

} // namespace paretoscope::app
