// SPDX-License-Identifier: Apache-2.0
#include "jobs/evaluation.h"

#include "jobs/worker_process.h"

#include "core/base/assert.h"

#include <QProcess>

namespace paretoscope::jobs {

using core::Error;
using core::ErrorCode;
using core::Json;

struct EvaluationRunner::Private
{
    explicit Private(EvaluationRunner* runner)
        : q(runner)
    {}
    void begin();
    void end();
    void fail(const Error& error);

    EvaluationRunner* q;
    WorkerSettings settings;
    std::string task;
    Json request;
    std::unique_ptr<WorkerProcess> worker;
    bool started = false;
    bool stopped = false;
    bool over = false;            ///< the outcome was told or is decided
    std::optional<Json> document; ///< told when the worker is gone
    std::optional<Error> error;
};

EvaluationRunner::EvaluationRunner(WorkerSettings settings, QObject* parent)
    : QObject(parent)
    , d(std::make_unique<Private>(this))
{
    d->settings = std::move(settings);
    if (d->settings.threads <= 0)
        d->settings.threads = availableCores();
}

EvaluationRunner::~EvaluationRunner() = default;

void EvaluationRunner::start(const std::string& task, const Json& request)
{
    PSC_ASSERT(!d->started, "one object is one evaluation");
    d->started = true;
    d->task = task;
    d->request = request;
    QTimer::singleShot(0, this, [this] { d->begin(); });
}

void EvaluationRunner::stop()
{
    if (d->over || !d->started)
        return;
    const bool again = std::exchange(d->stopped, true);
    if (!d->worker)
        return; // begin() sees it
    if (again || d->worker->state() == WorkerProcess::State::Starting)
        d->worker->kill();
    else
        d->worker->cancel();
}

QStringList EvaluationRunner::logTail() const
{
    return d->worker ? d->worker->log().lines() : QStringList();
}

void EvaluationRunner::Private::begin()
{
    if (stopped)
        return fail({ErrorCode::Cancelled, "the work was stopped", ""});
    auto program = workerProgram(settings.program);
    if (!program.ok())
        return fail(program.error());
    auto devices = parseDevices(settings.device);
    if (!devices.ok())
        return fail(devices.error());
    settings.device = devices.value().front();
    worker = std::make_unique<WorkerProcess>(0, settings, std::move(program).value());
    connect(worker.get(), &WorkerProcess::ready, q, [this] { worker->run(task, request); });
    connect(worker.get(), &WorkerProcess::taskProgressed, q, &EvaluationRunner::progressed);
    connect(worker.get(), &WorkerProcess::taskDone, q, [this](const Json& result) {
        document = result;
        worker->shutdown();
    });
    connect(worker.get(), &WorkerProcess::taskFailed, q, [this](const Error& failure) {
        error = failure;
        worker->shutdown();
    });
    connect(worker.get(), &WorkerProcess::lost, q, [this](const WorkerLoss& loss) {
        if (!document && !error)
            error = loss.error;
    });
    connect(worker.get(), &WorkerProcess::ended, q, [this] { end(); });
    worker->start();
}

void EvaluationRunner::Private::end()
{
    if (document) {
        over = true;
        Q_EMIT q->succeeded(*document);
    } else if (stopped || !error) {
        fail({ErrorCode::Cancelled, "the work was stopped", ""});
    } else {
        fail(*error);
    }
}

void EvaluationRunner::Private::fail(const Error& failure)
{
    over = true;
    Q_EMIT q->failed(failure);
}

core::Result<Json> describeWorker(const std::filesystem::path& wanted, std::chrono::milliseconds timeout)
{
    PSC_ASSIGN(const std::filesystem::path program, workerProgram(wanted));
    QProcess process;
    process.start(QString::fromStdString(program.string()), {QStringLiteral("--describe")}, QIODevice::ReadOnly);
    if (!process.waitForFinished(static_cast<int>(timeout.count()))) {
        const bool isRunning = process.state() != QProcess::NotRunning;
        const QString reason = process.errorString();
        process.kill();
        process.waitForFinished();
        if (isRunning)
            return Error {ErrorCode::Io,
                          program.string() + " --describe gave no answer within " +
                              std::to_string(timeout.count() / 1000) + " s",
                          "is the disk with the libraries very slow?"};
        return Error {ErrorCode::Io, "cannot start " + program.string() + ": " + reason.toStdString(), "reinstall"};
    }
    if (process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0) {
        LogTail log;
        log.feed(process.readAllStandardError());
        const std::string how = process.exitStatus() == QProcess::NormalExit ? "status " : "signal ";
        return Error {ErrorCode::Io,
                      program.string() + " ended with " + how + std::to_string(process.exitCode()) + ": " +
                          log.lastLine().toStdString(),
                      "a library is missing or does not fit this machine: reinstall, or run packaging/setup.sh in the "
                      "source tree"};
    }
    return core::parseJson(process.readAllStandardOutput().toStdString(), "output of " + program.string());
}

} // namespace paretoscope::jobs
