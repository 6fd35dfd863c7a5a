// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_controller.h"

#include "core/base/assert.h"

#include <QThread>

#include <utility>

namespace paretoscope::jobs {

namespace {
/// The window goes first: its events take milliseconds, the workers' trials minutes.
constexpr int kNiceness = 5;
} // namespace

/// Lives in the sweep's thread, with everything that belongs to the sweep.
class SweepController::Host : public QObject
{
public:
    Host(SweepController* controller, core::Sweep sweep, std::filesystem::path project, SweepOptions options)
        : m_controller(controller)
        , m_sweep(std::move(sweep))
        , m_project(std::move(project))
        , m_options(std::move(options))
    {}

    void run()
    {
        const auto commands = commandsToAskAbout(m_sweep, m_project, m_options);
        if (commands.ok() && !commands.value().empty()) {
            return tell([unseen = commands.value()](SweepController& controller) {
                controller.forgetHost();
                Q_EMIT controller.approvalNeeded(unseen);
            });
        }
        const core::Status status = commands.ok() ? begin() : core::Status(commands.error());
        if (status.ok())
            return;
        m_runner.reset(); // the project is free again before anybody hears of it
        tell([error = status.error()](SweepController& controller) {
            controller.forgetHost();
            Q_EMIT controller.refused(error);
        });
    }

    void stop()
    {
        if (m_runner)
            m_runner->stop();
    }

    void write(const std::function<core::Status(core::ProjectStore&)>& work,
               std::function<void(const core::Status&)> done)
    {
        tell([done = std::move(done), status = written(work)](SweepController&) { done(status); });
    }

private:
    core::Status begin();
    core::Status written(const std::function<core::Status(core::ProjectStore&)>& work);
    void end(const SweepSummary& summary);

    /// Runs `action` in the controller's thread, after all signals that were sent before.
    template <typename Action>
    void tell(Action action)
    {
        QMetaObject::invokeMethod(
            m_controller, [controller = m_controller, action = std::move(action)] { action(*controller); },
            Qt::QueuedConnection);
    }

    SweepController* m_controller; ///< outlives this object
    core::Sweep m_sweep;
    std::filesystem::path m_project;
    SweepOptions m_options;
    std::unique_ptr<SweepRunner> m_runner;
};

core::Status SweepController::Host::begin()
{
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(m_project, core::OpenMode::Create));
    m_runner = std::make_unique<SweepRunner>(std::move(m_sweep), std::move(store), std::move(m_options));
    SweepRunner* runner = m_runner.get();
    connect(runner, &SweepRunner::planExtended, m_controller, &SweepController::extended);
    connect(runner, &SweepRunner::trialStarted, m_controller, &SweepController::trialStarted);
    connect(runner, &SweepRunner::trialProgressed, m_controller, &SweepController::trialProgressed);
    connect(runner, &SweepRunner::trialFinished, m_controller, &SweepController::trialFinished);
    connect(runner, &SweepRunner::workerLost, m_controller, &SweepController::workerLost);
    connect(runner, &SweepRunner::workerChanged, m_controller, &SweepController::workerChanged);
    connect(runner, &SweepRunner::remarked, m_controller, &SweepController::remarked);
    // Queued: the runner is deleted there and must have returned from its signal.
    connect(
        runner, &SweepRunner::finished, this, [this](const SweepSummary& summary) { end(summary); },
        Qt::QueuedConnection);
    PSC_TRY(runner->prepare());
    tell([plan = runner->plan()](SweepController& controller) { Q_EMIT controller.prepared(plan); });
    runner->start();
    return core::success();
}

core::Status SweepController::Host::written(const std::function<core::Status(core::ProjectStore&)>& work)
{
    if (m_runner)
        return work(m_runner->store());
    // The sweep was refused or has just ended: the project is free.
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(m_project, core::OpenMode::ReadWrite));
    return work(store);
}

void SweepController::Host::end(const SweepSummary& summary)
{
    m_runner.reset();
    tell([summary](SweepController& controller) {
        controller.forgetHost();
        Q_EMIT controller.finished(summary);
    });
}

struct SweepController::Private
{
    QThread thread;
    Host* host = nullptr; ///< lives and is deleted in the thread
};

SweepController::SweepController(QObject* parent)
    : QObject(parent)
    , d(std::make_unique<Private>())
{
    d->thread.setObjectName(QStringLiteral("sweep"));
}

SweepController::~SweepController()
{
    if (d->host)
        d->host->deleteLater(); // carried out when the thread's event loop ends at the latest
    d->thread.quit();
    d->thread.wait();
}

void SweepController::start(core::Sweep sweep, std::filesystem::path project, SweepOptions options)
{
    PSC_ASSERT(!isRunning(), "one sweep at a time");
    if (options.niceness == 0)
        options.niceness = kNiceness;
    if (!d->thread.isRunning())
        d->thread.start();
    Host* host = new Host(this, std::move(sweep), std::move(project), std::move(options));
    host->moveToThread(&d->thread);
    d->host = host;
    QMetaObject::invokeMethod(
        host, [host] { host->run(); }, Qt::QueuedConnection);
}

void SweepController::stop()
{
    if (Host* host = d->host)
        QMetaObject::invokeMethod(
            host, [host] { host->stop(); }, Qt::QueuedConnection);
}

void SweepController::write(std::function<core::Status(core::ProjectStore&)> work,
                            std::function<void(const core::Status&)> done)
{
    PSC_ASSERT(isRunning(), "there is a sweep to write beside");
    Host* host = d->host;
    QMetaObject::invokeMethod(
        host, [host, work = std::move(work), done = std::move(done)] { host->write(work, done); },
        Qt::QueuedConnection);
}

bool SweepController::isRunning() const
{
    return d->host != nullptr;
}

void SweepController::forgetHost()
{
    std::exchange(d->host, nullptr)->deleteLater();
}

} // namespace paretoscope::jobs
