// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker_pool.h"

#include "core/base/assert.h"

#include <algorithm>

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::Json;

/// A slot whose workers die that often before they get a task is given up.
constexpr int kMaxIdleLosses = 3;
constexpr int kMaxBackOffDoublings = 4;

} // namespace

struct WorkerPool::Slot
{
    std::string device;
    std::unique_ptr<WorkerProcess> process;
    QTimer restart; ///< runs while a replacement waits for its time
    bool busy = false;
    int idleLosses = 0; ///< in a row
    bool givenUp = false;
};

WorkerPool::WorkerPool(WorkerSettings settings, std::vector<std::string> devices, int workers, QObject* parent)
    : QObject(parent)
    , m_settings(std::move(settings))
{
    PSC_ASSERT(workers > 0 && !devices.empty(), "a pool has workers, and each a device");
    for (int worker = 0; worker < workers; ++worker) {
        auto slot = std::make_unique<Slot>();
        slot->device = devices[std::size_t(worker) % devices.size()];
        slot->restart.setSingleShot(true);
        connect(&slot->restart, &QTimer::timeout, this, [this, worker] { launch(worker); });
        m_slots.push_back(std::move(slot));
    }
}

WorkerPool::~WorkerPool()
{
    for (const auto& slot : m_slots) {
        if (slot->process) {
            slot->process->disconnect(this);
            slot->process->kill(); // all at once; the destructors wait
        }
    }
}

core::Status WorkerPool::start(int wanted)
{
    PSC_ASSIGN(m_program, workerProgram(m_settings.program));
    want(wanted);
    return core::success();
}

void WorkerPool::want(int wanted)
{
    m_wanted = std::min(wanted, static_cast<int>(m_slots.size()));
    if (m_phase != Phase::Open)
        return;
    launchMissing();
    endBeyondWanted();
}

void WorkerPool::launchMissing()
{
    int missing = m_wanted - live();
    for (int worker = 0; worker < static_cast<int>(m_slots.size()) && missing > 0; ++worker) {
        Slot& slot = *m_slots[std::size_t(worker)];
        if (slot.givenUp || slot.process || slot.restart.isActive())
            continue;
        // One loss is an accident; several in a row are a loop that must not eat the machine.
        const int doublings = std::min(m_lossesInARow - 2, kMaxBackOffDoublings);
        slot.restart.start(doublings < 0 ? std::chrono::milliseconds(0)
                                         : m_settings.timings.backOff * (1 << doublings));
        --missing;
    }
}

void WorkerPool::endBeyondWanted()
{
    int surplus = live() - m_wanted;
    for (const auto& slot : m_slots) {
        if (surplus <= 0)
            return;
        if (slot->restart.isActive()) {
            slot->restart.stop();
            --surplus;
        } else if (slot->process && !slot->busy) {
            slot->process->shutdown();
            --surplus;
        }
    }
}

/// Slots that have a worker, or wait for the time to start one.
int WorkerPool::live() const
{
    return static_cast<int>(std::count_if(m_slots.begin(), m_slots.end(), [](const auto& slot) {
        const bool ending = slot->process && slot->process->state() == WorkerProcess::State::Ending;
        return (slot->process && !ending) || slot->restart.isActive();
    }));
}

void WorkerPool::launch(int worker)
{
    Slot& slot = *m_slots[std::size_t(worker)];
    WorkerSettings settings = m_settings;
    settings.device = slot.device;
    slot.busy = false;
    slot.process = std::make_unique<WorkerProcess>(worker, std::move(settings), m_program);
    connectProcess(worker);
    slot.process->start();
    Q_EMIT workerChanged(worker);
}

void WorkerPool::connectProcess(int worker)
{
    Slot& slot = *m_slots[std::size_t(worker)];
    WorkerProcess* process = slot.process.get();
    const auto taskEnded = [this, &slot] {
        slot.busy = false;
        slot.idleLosses = 0;
        m_lossesInARow = 0;
    };
    connect(process, &WorkerProcess::ready, this, [this, worker] { announce(worker, true); });
    connect(process, &WorkerProcess::memoryTold, this, [this, worker] { Q_EMIT workerChanged(worker); });
    connect(process, &WorkerProcess::taskProgressed, this, [this, worker](const QString& phase, int done, int total) {
        Q_EMIT taskProgressed(worker, phase, done, total);
    });
    connect(process, &WorkerProcess::taskDone, this, [this, worker, taskEnded](const Json& result) {
        taskEnded();
        Q_EMIT taskDone(worker, result);
        announce(worker, false);
    });
    connect(process, &WorkerProcess::taskFailed, this, [this, worker, taskEnded](const Error& error) {
        taskEnded();
        Q_EMIT taskFailed(worker, error);
        announce(worker, false);
    });
    connect(process, &WorkerProcess::lost, this, [this, worker](const WorkerLoss& loss) { handleLoss(worker, loss); });
    // Queued: the process is deleted there, and must have returned from its signal before.
    connect(
        process, &WorkerProcess::ended, this, [this, worker] { handleEnd(worker); }, Qt::QueuedConnection);
}

void WorkerPool::announce(int worker, bool isFresh)
{
    WorkerProcess& process = *m_slots[std::size_t(worker)]->process;
    Q_EMIT workerChanged(worker);
    if (process.state() != WorkerProcess::State::Idle || m_phase != Phase::Open)
        return;
    // A fresh one is as small as they get.
    const auto& budget = m_settings.memoryBudget;
    if (!isFresh && budget && process.residentBytes() > budget->value) {
        Q_EMIT workerOutgrown(worker, process.residentBytes());
        process.shutdown();
    } else {
        Q_EMIT workerIdle(worker);
    }
}

void WorkerPool::run(int worker, const std::string& type, const Json& request)
{
    Slot& slot = *m_slots[std::size_t(worker)];
    slot.busy = true;
    slot.process->run(type, request);
    Q_EMIT workerChanged(worker);
}

void WorkerPool::cancelTasks()
{
    for (const auto& slot : m_slots) {
        if (slot->process && slot->busy)
            slot->process->cancel();
    }
}

void WorkerPool::renew(int worker)
{
    m_slots[std::size_t(worker)]->process->shutdown();
}

void WorkerPool::shutdown()
{
    if (m_phase != Phase::Open)
        return;
    m_phase = Phase::Closing;
    for (const auto& slot : m_slots) {
        slot->restart.stop();
        if (slot->process)
            slot->process->shutdown();
    }
    QTimer::singleShot(0, this, &WorkerPool::closeWhenEmpty);
}

void WorkerPool::kill()
{
    shutdown();
    for (const auto& slot : m_slots) {
        if (slot->process)
            slot->process->kill();
    }
}

const Hello& WorkerPool::hello(int worker) const
{
    return m_slots[std::size_t(worker)]->process->hello();
}

QStringList WorkerPool::logTail(int worker) const
{
    const auto& process = m_slots[std::size_t(worker)]->process;
    return process ? process->log().lines() : QStringList();
}

const std::string& WorkerPool::device(int worker) const
{
    return m_slots[std::size_t(worker)]->device;
}

WorkerStatus WorkerPool::status(int worker) const
{
    const Slot& slot = *m_slots[std::size_t(worker)];
    WorkerStatus status;
    status.worker = worker;
    status.device = slot.device;
    if (!slot.process)
        return status;
    using State = WorkerProcess::State;
    const State state = slot.process->state();
    status.activity = state == State::Starting ? WorkerActivity::Starting
                      : state == State::Idle   ? WorkerActivity::Idle
                      : state == State::Ended  ? WorkerActivity::Gone
                                               : WorkerActivity::Busy;
    status.residentBytes = slot.process->residentBytes();
    status.deviceBytes = slot.process->deviceBytes();
    return status;
}

std::vector<qint64> WorkerPool::processIds() const
{
    std::vector<qint64> ids;
    for (const auto& slot : m_slots) {
        if (slot->process && slot->process->processId() > 0)
            ids.push_back(slot->process->processId());
    }
    return ids;
}

void WorkerPool::handleLoss(int worker, WorkerLoss loss)
{
    Slot& slot = *m_slots[std::size_t(worker)];
    const bool hadTask = std::exchange(slot.busy, false);
    ++m_lossesInARow;
    m_lastLoss = loss.error;
    if (!hadTask && (++slot.idleLosses >= kMaxIdleLosses || loss.kind == LossKind::Refused)) {
        slot.givenUp = true;
        loss.error.message += "; no further worker is started in its place on " + slot.device;
    }
    Q_EMIT workerLost(worker, loss, hadTask);
}

void WorkerPool::handleEnd(int worker)
{
    Slot& slot = *m_slots[std::size_t(worker)];
    slot.process.reset();
    Q_EMIT workerChanged(worker);
    const bool hadTask = std::exchange(slot.busy, false); // ended by us with its task in hand
    if (hadTask)
        Q_EMIT taskFailed(worker, Error {core::ErrorCode::Cancelled, "the worker was ended", ""});
    if (m_phase != Phase::Open) {
        closeWhenEmpty();
        return;
    }
    launchMissing();
    const bool allGivenUp =
        std::all_of(m_slots.begin(), m_slots.end(), [](const auto& each) { return each->givenUp && !each->process; });
    if (allGivenUp)
        Q_EMIT exhausted(Error {m_lastLoss.code, "no worker can be started: " + m_lastLoss.message,
                                m_lastLoss.hint.empty()
                                    ? "`paretoscope doctor` looks for the cause"
                                    : m_lastLoss.hint + "; `paretoscope doctor` looks for the cause"});
}

void WorkerPool::closeWhenEmpty()
{
    const bool empty =
        std::none_of(m_slots.begin(), m_slots.end(), [](const auto& slot) { return bool(slot->process); });
    if (!empty || m_phase != Phase::Closing)
        return;
    m_phase = Phase::Closed;
    Q_EMIT closed();
}

} // namespace paretoscope::jobs
