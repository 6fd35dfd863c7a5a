// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/sweep_launcher.h"

#include "app/window/command_dialog.h"
#include "app/window/dialogs.h"
#include "app/window/project_session.h"
#include "views/format/text.h"
#include "views/jobs/jobs_view.h"
#include "views/widgets/message_bar.h"

#include <utility>

namespace paretoscope::app {

using views::MessageBar;

SweepLauncher::SweepLauncher(Parts parts, QWidget* window)
    : QObject(window)
    , m_parts(std::move(parts))
    , m_window(window)
{
    connect(&m_parts.jobs, &views::JobsView::stopRequested, this, &SweepLauncher::stop);
    connect(&m_parts.jobs, &views::JobsView::continueRequested, this, [this] {
        if (!m_lastOrder)
            return;
        views::SweepOrder order = *m_lastOrder;
        order.options.allowedCommands.clear(); // an approval is for one run
        start(order);
    });
    followRun();
}

void SweepLauncher::followRun()
{
    jobs::SweepController& controller = m_parts.session.controller();
    m_parts.jobs.run().follow(controller);
    connect(&controller, &jobs::SweepController::finished, this, [this](const jobs::SweepSummary& summary) {
        m_parts.session.refresh();
        if (summary.error)
            m_parts.messages.report(*summary.error);
        end();
    });
    connect(&controller, &jobs::SweepController::refused, this, [this](const core::Error& error) {
        m_parts.jobs.run().refuse();
        builder().refuse(error);
        end();
    });
    connect(&controller, &jobs::SweepController::approvalNeeded, this, &SweepLauncher::askAbout);
    connect(&controller, &jobs::SweepController::workerLost, this, [this](int worker, const QString& reason) {
        m_parts.messages.show(MessageBar::Level::Warning, tr("Worker %1 was lost: %2").arg(worker + 1).arg(reason));
    });
    connect(&controller, &jobs::SweepController::remarked, this,
            [this](const QString& remark) { m_parts.messages.show(MessageBar::Level::Info, remark); });
}

void SweepLauncher::end()
{
    if (const auto whenEnded = std::exchange(m_whenEnded, nullptr))
        whenEnded();
}

views::SweepBuilder& SweepLauncher::builder()
{
    if (!m_builder) {
        m_builder = new views::SweepBuilder(m_parts.plugins(), demoSweep(), m_window);
        connect(m_builder, &views::SweepBuilder::startRequested, this, &SweepLauncher::start);
        connect(m_builder, &views::SweepBuilder::savedFile, this, &SweepLauncher::savedFile);
    }
    return *m_builder;
}

void SweepLauncher::compose()
{
    builder().setProject(m_parts.session.path());
    builder().show();
    builder().raise();
    builder().activateWindow();
}

void SweepLauncher::start(const views::SweepOrder& order)
{
    if (m_parts.session.isRunning())
        return m_parts.messages.show(MessageBar::Level::Warning, tr("A sweep is running already."),
                                     tr("Wait for it, or stop it in the Jobs dock."));
    m_lastOrder = order;
    m_parts.messages.dismiss();
    m_parts.jobs.run().beginRun(views::toQString(order.sweep.name));
    Q_EMIT started();
    m_parts.session.run(order);
}

void SweepLauncher::askAbout(const std::vector<jobs::SweepCommand>& commands)
{
    m_parts.jobs.run().refuse(); // nothing has run
    if (m_whenEnded)
        return end();
    askAboutCommands(
        m_window, *m_lastOrder, commands, [this](const views::SweepOrder& approved) { start(approved); },
        [this] { builder().show(); });
}

void SweepLauncher::stop()
{
    m_parts.jobs.run().markStopping();
    m_parts.session.controller().stop();
}

void SweepLauncher::askToStop(std::function<void()> ended)
{
    askWhetherToStop(m_window, [this, ended = std::move(ended)] {
        m_whenEnded = ended;
        stop();
    });
}

} // namespace paretoscope::app
