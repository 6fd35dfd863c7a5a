// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/jobs/run_model.h"

#include "jobs/sweep_controller.h"
#include "views/format/format.h"
#include "views/format/text.h"
#include "views/theme/status_icon.h"
#include "views/trials/trial_columns.h"
#include "views/widgets/plain_tip.h"

#include <QHash>

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Where a phase lies between begin and end of a trial. Evaluation dominates on CPUs.
struct PhaseSpan
{
    double from;
    double to;
};

PhaseSpan spanOf(const QString& phase)
{
    static const QHash<QString, PhaseSpan> spans {{u"load"_s, {0.0, 0.05}},
                                                  {u"wait"_s, {0.05, 0.05}},
                                                  {u"external"_s, {0.05, 0.45}},
                                                  {u"compress"_s, {0.05, 0.45}}};
    return spans.value(phase, {0.45, 1.0}); // of an evaluation
}

QString phaseText(const QString& phase)
{
    if (phase == "load"_L1)
        return RunModel::tr("load");
    if (phase == "external"_L1)
        return RunModel::tr("external command");
    if (phase == "compress"_L1)
        return RunModel::tr("compress");
    if (phase == "evaluate"_L1)
        return RunModel::tr("evaluate");
    if (phase == "evaluate the baseline"_L1)
        return RunModel::tr("evaluate the baseline");
    if (phase == "wait"_L1)
        return RunModel::tr("wait for another worker");
    if (phase == "continue the prompts"_L1)
        return RunModel::tr("continue the prompts");
    return phase;
}

bool isOver(core::TrialStatus status)
{
    return status == core::TrialStatus::Done || status == core::TrialStatus::Failed ||
           status == core::TrialStatus::Interrupted;
}

} // namespace

RunModel::RunModel(QObject* parent, std::function<double()> seconds)
    : QAbstractTableModel(parent)
    , m_seconds(std::move(seconds))
{
    m_clock.start();
    if (!m_seconds)
        m_seconds = [this] { return double(m_clock.elapsed()) / 1000; };
}

void RunModel::follow(const jobs::SweepController& controller)
{
    connect(&controller, &jobs::SweepController::prepared, this, &RunModel::setPlan);
    connect(&controller, &jobs::SweepController::extended, this, &RunModel::extendPlan);
    connect(&controller, &jobs::SweepController::trialStarted, this, &RunModel::startTrial);
    connect(&controller, &jobs::SweepController::trialProgressed, this, &RunModel::updateTrial);
    connect(&controller, &jobs::SweepController::trialFinished, this, &RunModel::finishTrial);
    connect(&controller, &jobs::SweepController::finished, this, &RunModel::endRun);
    connect(&controller, &jobs::SweepController::workerChanged, this, &RunModel::updateWorker);
}

void RunModel::beginRun(const QString& sweepName)
{
    beginResetModel();
    m_rows.clear();
    m_workers.clear();
    m_name = sweepName;
    m_summary.reset();
    m_startedAt = m_seconds();
    endResetModel();
    setPhase(Phase::Preparing);
}

void RunModel::setPlan(const jobs::SweepPlan& plan)
{
    beginResetModel();
    m_rows.clear();
    for (std::size_t i = 0; i < plan.trials.size(); ++i)
        m_rows.push_back(rowOf(plan, i));
    endResetModel();
    setPhase(Phase::Running);
}

void RunModel::extendPlan(const jobs::SweepPlan& plan)
{
    if (plan.trials.size() <= m_rows.size())
        return;
    beginInsertRows({}, total(), plan.total() - 1);
    while (m_rows.size() < plan.trials.size())
        m_rows.push_back(rowOf(plan, m_rows.size()));
    endInsertRows();
    Q_EMIT changed();
}

RunModel::Row RunModel::rowOf(const jobs::SweepPlan& plan, std::size_t trial)
{
    Row row;
    row.id = plan.trials[trial].id;
    row.label = toQString(plan.trials[trial].pipeline.label());
    row.skipped = trial < plan.done.size() && plan.done[trial];
    row.status = row.skipped                                    ? core::TrialStatus::Done
                 : trial < plan.held.size() && plan.held[trial] ? core::TrialStatus::Failed
                                                                : core::TrialStatus::Queued;
    return row;
}

void RunModel::markStopping()
{
    if (m_phase == Phase::Running || m_phase == Phase::Preparing)
        setPhase(Phase::Stopping);
}

void RunModel::startTrial(const core::PlannedTrial& trial, int worker)
{
    if (Row* row = find(trial.id)) {
        row->status = core::TrialStatus::Running;
        row->worker = worker;
        row->startedAt = m_seconds();
        row->phase.clear();
        row->done = row->steps = 0;
        row->endsAt.reset();
        rowChanged(*row);
        Q_EMIT trialBegun(int(row - m_rows.data()));
    }
}

void RunModel::updateTrial(const jobs::TrialProgress& progress)
{
    if (Row* row = find(progress.trial)) {
        row->worker = progress.worker;
        row->phase = progress.phase;
        row->done = progress.done;
        row->steps = progress.total;
        row->endsAt.reset();
        if (progress.remainingSeconds)
            row->endsAt = m_seconds() + *progress.remainingSeconds;
        rowChanged(*row);
    }
}

void RunModel::updateWorker(const jobs::WorkerStatus& status)
{
    m_workers[status.worker] = status;
    for (const Row& row : m_rows) {
        if (row.status == core::TrialStatus::Running && row.worker == status.worker)
            rowChanged(row);
    }
}

void RunModel::finishTrial(const core::TrialRecord& trial)
{
    if (Row* row = find(trial.id)) {
        row->status = trial.status;
        row->seconds = trial.seconds > 0 ? trial.seconds : m_seconds() - row->startedAt;
        rowChanged(*row);
    }
}

void RunModel::endRun(const jobs::SweepSummary& summary)
{
    m_summary = summary;
    m_endedAt = m_seconds();
    for (Row& row : m_rows) {
        if (row.status != core::TrialStatus::Running)
            continue;
        row.status = core::TrialStatus::Interrupted;
        rowChanged(row);
    }
    setPhase(Phase::Finished);
}

void RunModel::refuse()
{
    beginResetModel();
    m_rows.clear();
    endResetModel();
    setPhase(Phase::Idle);
}

void RunModel::tick()
{
    for (const Row& row : m_rows) {
        if (row.status == core::TrialStatus::Running) {
            const int at = int(&row - m_rows.data());
            Q_EMIT dataChanged(index(at, Time), index(at, Remaining), {Qt::DisplayRole});
        }
    }
    Q_EMIT changed();
}

void RunModel::watch(const SnapshotPtr& snapshot)
{
    const std::filesystem::path path = snapshot ? snapshot->path : std::filesystem::path();
    const bool sameProject = path == m_watched || m_watched.empty(); // empty: the project that the run has opened
    m_watched = path;
    const bool isOwnRun = m_phase == Phase::Preparing || m_phase == Phase::Running || m_phase == Phase::Stopping;
    if (isOwnRun || (m_phase == Phase::Finished && sameProject))
        return; // the run that has just ended stays to be read
    std::vector<Row> open;
    for (const core::TrialRecord& trial : snapshot ? snapshot->trials : std::vector<core::TrialRecord>()) {
        if (trial.status == core::TrialStatus::Done)
            continue;
        Row row;
        row.id = trial.id;
        row.label = toQString(trial.label);
        row.status = trial.status;
        row.seconds = trial.seconds;
        open.push_back(row);
    }
    beginResetModel();
    m_rows = std::move(open);
    m_name = toQString(path.filename().native());
    m_phase = Phase::Idle;
    endResetModel();
    Q_EMIT changed();
}

double RunModel::fractionOf(const Row& row)
{
    if (isOver(row.status))
        return 1;
    if (row.status != core::TrialStatus::Running || row.phase.isEmpty())
        return 0;
    const PhaseSpan span = spanOf(row.phase);
    const double within = row.steps > 0 ? std::clamp(double(row.done) / row.steps, 0.0, 1.0) : 0;
    return span.from + (span.to - span.from) * within;
}

double RunModel::fraction() const
{
    if (m_phase == Phase::Finished)
        return 1;
    double sum = 0;
    for (const Row& row : m_rows)
        sum += fractionOf(row);
    return m_rows.empty() ? 0 : sum / double(m_rows.size());
}

double RunModel::elapsedSeconds() const
{
    return (m_phase == Phase::Finished ? m_endedAt : m_seconds()) - m_startedAt;
}

std::optional<double> RunModel::remainingSeconds() const
{
    double ended = 0;
    double progressed = 0;
    double open = 0;
    for (const Row& row : m_rows) {
        if (row.skipped)
            continue;
        ended += isOver(row.status) ? 1 : 0;
        progressed += fractionOf(row);
        open += 1 - fractionOf(row);
    }
    if (ended < 1 || m_phase != Phase::Running)
        return std::nullopt;
    return elapsedSeconds() * open / progressed;
}

int RunModel::count(core::TrialStatus status) const
{
    return int(std::count_if(m_rows.begin(), m_rows.end(), [&](const Row& row) { return row.status == status; }));
}

bool RunModel::canContinue() const
{
    return m_phase == Phase::Finished && m_summary &&
           (m_summary->stopped || m_summary->failed > 0 || m_summary->interrupted > 0 || m_summary->error);
}

QString RunModel::headline() const
{
    const int failed = count(core::TrialStatus::Failed);
    const QString trouble = failed > 0 ? tr(", %n failed", nullptr, failed) : QString();
    switch (m_phase) {
    case Phase::Idle:
        return m_rows.empty() ? QString()
                              : tr("%1: %2 running, %3 queued, %4 interrupted, %5 failed")
                                    .arg(m_name)
                                    .arg(count(core::TrialStatus::Running))
                                    .arg(count(core::TrialStatus::Queued))
                                    .arg(count(core::TrialStatus::Interrupted))
                                    .arg(failed);
    case Phase::Preparing:
        return tr("%1: reading model and data").arg(m_name);
    case Phase::Running:
        return tr("%1: %2 of %n trial(s)", nullptr, total()).arg(m_name).arg(count(core::TrialStatus::Done)) + trouble;
    case Phase::Stopping:
        return tr("%1: stopping after the layer in hand").arg(m_name);
    case Phase::Finished:
        break;
    }
    if (!m_summary)
        return m_name;
    if (m_summary->stopped)
        return tr("%1: stopped, %2 of %n trial(s) done%3", nullptr, m_summary->total)
            .arg(m_name)
            .arg(m_summary->done + m_summary->skipped)
            .arg(trouble);
    if (m_summary->done == 0 && m_summary->failed == 0)
        return tr("%1: nothing to do, all %n trial(s) are in the project", nullptr, m_summary->total).arg(m_name);
    return tr("%1: finished, %2 done in %3%4")
        .arg(m_name)
        .arg(m_summary->done)
        .arg(format::duration(m_summary->wallSeconds), trouble);
}

std::optional<core::TrialId> RunModel::idAt(int row) const
{
    return row >= 0 && row < total() ? std::optional(m_rows[std::size_t(row)].id) : std::nullopt;
}

int RunModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : total();
}

int RunModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : int(ColumnCount);
}

QString RunModel::stateText(const Row& row) const
{
    if (row.skipped)
        return tr("in the project");
    if (row.status == core::TrialStatus::Running && row.worker >= 0) {
        const jobs::WorkerStatus* worker = workerOf(row);
        return worker && worker->deviceBytes ? tr("worker %1 on %2").arg(row.worker + 1).arg(toQString(worker->device))
                                             : tr("worker %1").arg(row.worker + 1);
    }
    return statusText(row.status);
}

const jobs::WorkerStatus* RunModel::workerOf(const Row& row) const
{
    const auto found = m_workers.find(row.worker);
    const bool isRunning = row.status == core::TrialStatus::Running && m_phase != Phase::Idle;
    return isRunning && found != m_workers.end() ? &found->second : nullptr;
}

/// What fills up first: the card, where there is one.
QString RunModel::memoryText(const Row& row, bool isComplete) const
{
    const jobs::WorkerStatus* worker = workerOf(row);
    if (!worker || worker->residentBytes == 0)
        return {};
    const QString process = format::bytes(double(worker->residentBytes));
    if (!worker->deviceBytes)
        return isComplete ? tr("%1 held by the process of worker %2").arg(process).arg(row.worker + 1) : process;
    const QString card = format::bytes(double(*worker->deviceBytes));
    return isComplete ? tr("%1 on %2, %3 held by the process of worker %4")
                            .arg(card, toQString(worker->device), process)
                            .arg(row.worker + 1)
                      : card;
}

QString RunModel::progressText(const Row& row) const
{
    if (row.status != core::TrialStatus::Running || row.phase.isEmpty())
        return {};
    return row.steps > 0 ? tr("%1 %2 of %3").arg(phaseText(row.phase)).arg(row.done).arg(row.steps)
                         : phaseText(row.phase);
}

QVariant RunModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const Row& row = m_rows[std::size_t(index.row())];
    if (role == Qt::TextAlignmentRole)
        return int((index.column() >= Time ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (role == Qt::DecorationRole)
        return index.column() == State ? QVariant(statusIcon(row.status)) : QVariant();
    if (role == FractionRole)
        return row.status == core::TrialStatus::Running ? QVariant(fractionOf(row)) : QVariant();
    if (role == IdRole)
        return toQString(row.id.hex());
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole)
        return {};
    switch (index.column()) {
    case Pipeline:
        return role == Qt::ToolTipRole ? plainTip(row.label) : row.label;
    case State:
        return stateText(row);
    case Progress:
        return progressText(row);
    case Time:
        if (row.status == core::TrialStatus::Running && m_phase != Phase::Idle)
            return format::duration(m_seconds() - row.startedAt);
        return row.seconds > 0 ? format::duration(row.seconds) : QString();
    case Remaining:
        return row.status == core::TrialStatus::Running && row.endsAt
                   ? tr("about %1").arg(format::duration(std::max(1.0, std::ceil(*row.endsAt - m_seconds()))))
                   : QString();
    case Memory:
        return memoryText(row, role == Qt::ToolTipRole);
    default:
        return {};
    }
}

QVariant RunModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return int((section >= Time ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Pipeline:
        return tr("Pipeline");
    case State:
        return tr("State");
    case Progress:
        return tr("Progress");
    case Time:
        return tr("Time");
    case Remaining:
        return tr("Left");
    case Memory:
        return tr("Memory");
    default:
        return {};
    }
}

RunModel::Row* RunModel::find(const core::TrialId& id)
{
    const auto found = std::find_if(m_rows.begin(), m_rows.end(), [&](const Row& row) { return row.id == id; });
    return found == m_rows.end() ? nullptr : &*found;
}

void RunModel::rowChanged(const Row& row)
{
    const int at = int(&row - m_rows.data());
    Q_EMIT dataChanged(index(at, 0), index(at, ColumnCount - 1));
    Q_EMIT changed();
}

void RunModel::setPhase(Phase phase)
{
    m_phase = phase;
    Q_EMIT changed();
}

} // namespace paretoscope::views
