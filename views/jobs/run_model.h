// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "jobs/sweep_runner.h"
#include "views/snapshot/project_snapshot.h"

#include <QAbstractTableModel>
#include <QElapsedTimer>

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace paretoscope::jobs {
class SweepController;
}

namespace paretoscope::views {

/// The trials of the sweep that runs, or of one that another process runs, with their progress.
/// Fed with the signals of jobs::SweepController; testable without it and without a clock.
class RunModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column
    {
        Pipeline,
        State,
        Progress,
        Time,
        Remaining,
        Memory,
        ColumnCount
    };
    enum Role
    {
        FractionRole = Qt::UserRole,
        IdRole
    };
    enum class Phase
    {
        Idle,
        Preparing,
        Running,
        Stopping,
        Finished
    };

    /// `seconds` counts up from an arbitrary moment; tests bring their own.
    explicit RunModel(QObject* parent = nullptr, std::function<double()> seconds = {});

    void follow(const jobs::SweepController& controller); ///< hears its signals from now on

    Phase phase() const { return m_phase; }
    QString sweepName() const { return m_name; }
    double fraction() const; ///< of the whole run, 0 to 1
    double elapsedSeconds() const;
    std::optional<double> remainingSeconds() const; ///< unknown before the first trial has ended
    int count(core::TrialStatus status) const;
    int total() const { return int(m_rows.size()); }
    bool canContinue() const; ///< a run of our own ended with work left or failures
    QString headline() const; ///< "tiny-llama demo: 7 of 12 trials, 1 failed"
    std::optional<core::TrialId> idAt(int row) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

public Q_SLOTS:
    void beginRun(const QString& sweepName); ///< start was asked for; hashing and planning
    void setPlan(const paretoscope::jobs::SweepPlan& plan);
    void extendPlan(const paretoscope::jobs::SweepPlan& plan); ///< by trials at its end
    void markStopping();
    void startTrial(const paretoscope::core::PlannedTrial& trial, int worker);
    void updateTrial(const paretoscope::jobs::TrialProgress& progress);
    void updateWorker(const paretoscope::jobs::WorkerStatus& status);
    void finishTrial(const paretoscope::core::TrialRecord& trial);
    void endRun(const paretoscope::jobs::SweepSummary& summary);
    void refuse(); ///< nothing was run
    void tick();   ///< time has passed: running rows show it
    /// Without a run of our own: what another process does with the project.
    void watch(const SnapshotPtr& snapshot);

Q_SIGNALS:
    void changed(); ///< headline, fraction or phase
    void trialBegun(int row);

private:
    struct Row
    {
        core::TrialId id;
        QString label;
        core::TrialStatus status = core::TrialStatus::Queued;
        bool skipped = false; ///< was in the project before
        int worker = -1;
        QString phase;
        int done = 0;
        int steps = 0;
        double startedAt = 0;
        double seconds = 0;
        std::optional<double> endsAt; ///< as far as can be told
    };

    static Row rowOf(const jobs::SweepPlan& plan, std::size_t trial);
    static double fractionOf(const Row& row);
    QString stateText(const Row& row) const;
    QString progressText(const Row& row) const;
    QString memoryText(const Row& row, bool isComplete) const;
    const jobs::WorkerStatus* workerOf(const Row& row) const; ///< null: does not run, or nothing is known yet
    Row* find(const core::TrialId& id);
    void rowChanged(const Row& row);
    void setPhase(Phase phase);

    std::function<double()> m_seconds;
    QElapsedTimer m_clock;
    QString m_name;
    Phase m_phase = Phase::Idle;
    std::vector<Row> m_rows;
    std::map<int, jobs::WorkerStatus> m_workers; ///< of a run of our own
    std::filesystem::path m_watched;
    double m_startedAt = 0;
    double m_endedAt = 0;
    std::optional<jobs::SweepSummary> m_summary;
};

} // namespace paretoscope::views
