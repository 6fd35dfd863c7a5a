// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/slurm/array_script.h"
#include "jobs/slurm/slurm_client.h"
#include "jobs/slurm/submission.h"
#include "jobs/sweep_planning.h"

#include "core/project/writer_lock.h"

#include <QObject>
#include <QTimer>

#include <chrono>
#include <map>
#include <optional>
#include <set>

namespace paretoscope::jobs {

/// How a sweep is run on a cluster.
struct SlurmSettings
{
    std::filesystem::path project;
    std::filesystem::path script;            ///< batch script of the user's, from slurm-script; empty = the usual one
    std::filesystem::path program;           ///< paretoscope on the nodes, for the usual script
    int elements = 0;                        ///< of the array; 0 = by the number of trials
    int atOnce = 0;                          ///< 0 = as many as the cluster lets
    std::vector<std::string> elementOptions; ///< of `paretoscope run` on the nodes
    std::chrono::milliseconds poll {15'000};
    SweepOptions options; ///< only, retry, failFast and arithmetic decide here what is to run
};

/// Runs the open trials of a sweep as job arrays of Slurm and merges their shards into the project while they run. What
/// belongs to it lies in PROJECT.slurm/: the sweep, the script, the shards, the logs, and the record of what was
/// submitted. A coordinator that dies costs nothing: the next one finds the arrays by that record.
///
/// Trials of elements that were preempted, cancelled or lost their node have not failed; they stay open.
class SlurmSweep : public QObject
{
    Q_OBJECT

public:
    SlurmSweep(core::Sweep sweep, SlurmSettings settings, QObject* parent = nullptr);
    ~SlurmSweep() override;

    /// Compares the sweep with the project after merging what earlier elements left, records it there, and looks for
    /// arrays of an earlier coordinator. Errors: those of the project and of SlurmClient; Busy (another coordinator
    /// follows the project's arrays, or arrays of another sweep run for it).
    core::Status prepare();
    const SweepPlan& plan() const { return m_prepared.plan; }
    const core::Sweep& sweep() const { return m_sweep; }

    /// After prepare(): submits what is open unless arrays were found. `finished` follows.
    void start();
    /// Waiting elements are taken away, running ones stop after the layer in hand; a second call kills them.
    void cancel();
    /// Ends here and leaves the arrays alone.
    void detach();

Q_SIGNALS:
    void submitted(qint64 array, int elements);
    void found(int elements); ///< of an earlier coordinator, instead of `submitted`
    void queueChanged(int waiting, int running);
    /// Slurm's words: PENDING with the reason, RUNNING, ...; once it has left the queue how it ended, where that can be
    /// found out, with its exit status and signal ("3:0").
    void elementChanged(qint64 array, int index, const QString& state, const QString& reason);
    void trialFinished(const paretoscope::core::TrialRecord& trial); ///< done or failed; in the project
    void noted(const QString& text);                                 ///< worth a line for the user
    void finished(const paretoscope::jobs::SweepSummary& summary);

private:
    core::Status lookAtProject();
    core::Status recordBeginning() const;
    core::Status submit();
    core::Status writeFolder();
    core::Status submitPart(const ArrayPart& part, int shards);
    std::vector<int> openShards(int shards) const;
    core::Result<bool> mergeShards();
    core::Status takeTrials();
    void poll();
    void compare(const std::vector<QueuedElement>& queue);
    void tellElement(const QueuedElement& element);
    void tellEnd(const QueuedElement& element);
    void conclude();
    void finish(std::optional<core::Error> error = std::nullopt);
    void noteOnce(const std::string& text);
    std::filesystem::path folder() const;
    std::filesystem::path recordFile() const { return folder() / "submission.json"; }

    core::Sweep m_sweep;
    SlurmSettings m_settings;
    SlurmClient m_slurm;
    core::WorkloadIdentity m_identity;
    PreparedSweep m_prepared;
    std::map<core::TrialId, int> m_positions; ///< in the whole sweep: decide the shard
    std::string m_planHash;
    std::optional<core::WriterLock> m_lock;
    std::optional<Submission> m_submission;
    std::map<std::string, std::uintmax_t> m_merged;  ///< shard file and its size when it was merged
    std::map<core::TrialId, std::string> m_failedAt; ///< when a trial that had failed before ended
    std::set<core::TrialId> m_ended;                 ///< by this run
    std::set<QueuedElement> m_queue;
    std::map<std::pair<std::int64_t, int>, QueuedElement> m_shown; ///< as last told by elementChanged
    std::set<std::string> m_told;                                  ///< notes
    SweepSummary m_summary;
    QTimer m_timer;
    std::chrono::steady_clock::time_point m_begin;
    int m_emptyPolls = 0;
    bool m_isCancelled = false;
    bool m_isOver = false;
};

} // namespace paretoscope::jobs
