// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/slurm_sweep.h"

#include "core/base/sha256.h"
#include "core/project/artifact/artifacts.h"
#include "core/project/merge/merge.h"
#include "core/project/merge/shard_file.h"
#include "core/project/project_store.h"
#include "jobs/command_approval.h"
#include "jobs/pattern_preview.h"
#include "jobs/trial_report.h"

#include <QCoreApplication>
#include <QSaveFile>

#include <algorithm>

namespace paretoscope::jobs {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::TrialRecord;
using core::TrialStatus;

constexpr int kTrialsPerElement = 8;
constexpr std::size_t kLongestName = 40;

std::string planHash(const SweepPlan& plan)
{
    std::string ids;
    for (const core::PlannedTrial& trial : plan.trials)
        ids += trial.id.hex();
    return core::sha256(ids).hex();
}

core::Status writeFile(const fs::path& file, const std::string& text)
{
    QSaveFile save(QString::fromStdString(file.string()));
    if (save.open(QIODevice::WriteOnly) && save.write(QByteArray::fromStdString(text)) >= 0 && save.commit())
        return core::success();
    return Error {ErrorCode::Io, "cannot write " + file.string() + ": " + save.errorString().toStdString(),
                  "check the permissions and the free space of the folder"};
}

std::string elementName(const QueuedElement& element)
{
    return std::to_string(element.array) + '_' + std::to_string(element.index);
}

/// "JobHeldUser", "JobHeldAdmin", "launch failed requeued held"
bool isHeld(const std::string& reason)
{
    return reason.find("Held") != std::string::npos || reason.find("held") != std::string::npos;
}

} // namespace

SlurmSweep::SlurmSweep(core::Sweep sweep, SlurmSettings settings, QObject* parent)
    : QObject(parent)
    , m_sweep(std::move(sweep))
    , m_settings(std::move(settings))
{
    m_sweep.source = core::writeSweep(m_sweep); // what the elements read and record: one sweep, not two
    m_sweep.overrides.clear();
    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, [this] { poll(); });
}

SlurmSweep::~SlurmSweep() = default;

fs::path SlurmSweep::folder() const
{
    fs::path folder = fs::absolute(m_settings.project);
    return folder += ".slurm";
}

core::Status SlurmSweep::prepare()
{
    m_begin = std::chrono::steady_clock::now();
    PSC_TRY(checkOptions(m_settings.options));
    PSC_TRY(requireDivisible(m_sweep));
    PSC_TRY(requireApproval(describedCommands(m_sweep), m_settings.options));
    PSC_TRY(requirePatternMatches(m_sweep));
    PSC_ASSIGN(m_identity, core::identifySweep(m_sweep));
    std::error_code failure;
    for (const char* part : {"results", "logs"}) {
        if (fs::create_directories(folder() / part, failure); failure)
            return Error {ErrorCode::Io, "cannot make the folder " + folder().string() + ": " + failure.message(),
                          "choose a project in a folder that you may write and that all nodes see"};
    }
    PSC_ASSIGN(core::WriterLock lock, core::WriterLock::acquire(folder() / "coordinator.lock", m_settings.project));
    m_lock.emplace(std::move(lock));
    PSC_TRY(mergeShards());
    PSC_TRY(lookAtProject());
    m_planHash = planHash(m_prepared.plan);
    PSC_ASSIGN(m_submission, Submission::read(recordFile()));
    if (!m_submission)
        return core::success();
    PSC_ASSIGN(const std::vector<QueuedElement> queue, m_slurm.queued(m_submission->name));
    m_queue.insert(queue.begin(), queue.end());
    if (!m_queue.empty() && m_submission->plan != m_planHash)
        return Error {ErrorCode::Busy,
                      "job " + std::to_string(m_queue.begin()->array) + " (" + m_submission->name +
                          ") still runs other trials into this project",
                      "wait for it, end it with scancel, or choose another project"};
    return core::success();
}

core::Status SlurmSweep::lookAtProject()
{
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(m_settings.project, core::OpenMode::Create));
    PSC_ASSIGN(const std::vector<TrialRecord> recorded, store.trials());
    PSC_ASSIGN(m_prepared, prepareSweep(m_sweep, m_identity, m_settings.options, recorded));
    for (const core::PlannedTrial& trial : core::planTrials(m_sweep, m_identity))
        m_positions.emplace(trial.id, static_cast<int>(m_positions.size()));
    const TrialReporter reporter(m_sweep, m_identity, m_settings.options.command);
    std::vector<core::TrialId> ids;
    std::vector<TrialRecord> fresh;
    for (std::size_t i = 0; i < m_prepared.plan.trials.size(); ++i) {
        ids.push_back(m_prepared.plan.trials[i].id);
        if (!m_prepared.recorded[i])
            fresh.push_back(reporter.queued(m_prepared.plan.trials[i]));
    }
    PSC_TRY(store.recordWorkload(reporter.workload()));
    PSC_TRY(store.recordSweep(m_sweep.name, m_sweep.source, ids));
    PSC_TRY(store.recordTrials(fresh));
    for (const TrialRecord& trial : recorded) {
        if (trial.status == TrialStatus::Failed)
            m_failedAt[trial.id] = trial.finishedUtc;
    }
    const SweepPlan& plan = m_prepared.plan;
    m_summary.total = plan.total();
    m_summary.skipped = static_cast<int>(std::count(plan.done.begin(), plan.done.end(), true));
    m_summary.held = static_cast<int>(std::count(plan.held.begin(), plan.held.end(), true));
    return core::success();
}

void SlurmSweep::start()
{
    for (const std::string& text : m_told) // told while nobody listened
        Q_EMIT noted(QString::fromStdString(text));
    if (!m_queue.empty()) {
        Q_EMIT found(static_cast<int>(m_queue.size()));
    } else if (plan().remaining() == 0) {
        return finish();
    } else if (const core::Status status = submit(); !status.ok()) {
        return finish(status.error());
    }
    m_timer.start(std::chrono::milliseconds(0));
}

/// Every shard with an open trial becomes an element; the record is written before and after each call of sbatch.
core::Status SlurmSweep::submit()
{
    const int open = plan().remaining() - static_cast<int>(m_ended.size());
    const int wanted = m_settings.elements > 0 ? m_settings.elements : elementsFor(open, kTrialsPerElement);
    const int shards = std::min(wanted, plan().total());
    PSC_TRY(writeFolder());
    PSC_ASSIGN(const int maxArraySize, m_slurm.maxArraySize());
    const std::string unique = folder().string() + utcNow() + std::to_string(QCoreApplication::applicationPid());
    m_submission =
        Submission {jobName(m_sweep.name).substr(0, kLongestName) + '-' + core::sha256(unique).hex().substr(0, 12),
                    m_planHash,
                    false,
                    {}};
    for (const ArrayPart& part : arrayParts(openShards(shards), maxArraySize)) {
        PSC_TRY(m_submission->write(recordFile()));
        PSC_TRY(submitPart(part, shards));
    }
    m_submission->isComplete = true;
    return m_submission->write(recordFile());
}

std::vector<int> SlurmSweep::openShards(int shards) const
{
    std::set<int> open;
    for (std::size_t i = 0; i < plan().trials.size(); ++i) {
        if (!plan().done[i] && !plan().held[i] && !m_ended.contains(plan().trials[i].id))
            open.insert(m_positions.at(plan().trials[i].id) % shards);
    }
    return {open.begin(), open.end()};
}

/// What the elements read: the sweep as it is now, what need not be run again, the script.
core::Status SlurmSweep::writeFolder()
{
    PSC_TRY(writeFile(folder() / "sweep.yaml", m_sweep.source));
    if (m_settings.script.empty()) {
        ArrayScript usual;
        usual.command = m_settings.options.command;
        usual.name = jobName(m_sweep.name);
        usual.program = m_settings.program.string();
        usual.sweep = (folder() / "sweep.yaml").string();
        usual.results = (folder() / "results").string();
        usual.logs = (folder() / "logs").string();
        usual.trials = plan().total();
        usual.elements = usual.arraySize = elementsFor(plan().total(), kTrialsPerElement);
        PSC_TRY(writeFile(folder() / "sweep.sbatch", arrayScript(usual)));
    }
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(m_settings.project, core::OpenMode::ReadOnly));
    PSC_ASSIGN(const std::vector<TrialRecord> recorded, store.trials());
    std::set<core::TrialId> planned;
    for (const core::PlannedTrial& trial : plan().trials)
        planned.insert(trial.id);
    std::error_code ignored;
    const fs::path known = folder() / "results" / "known.psl";
    fs::remove(known, ignored);
    PSC_ASSIGN(core::ShardWriter shard, core::ShardWriter::open(known));
    for (const TrialRecord& trial : recorded) {
        const bool hasEnded = trial.status != TrialStatus::Queued && trial.status != TrialStatus::Running;
        if (hasEnded && planned.contains(trial.id))
            PSC_TRY(shard.append(trial));
    }
    return core::success();
}

core::Status SlurmSweep::submitPart(const ArrayPart& part, int shards)
{
    const auto text = [](const auto& value) { return QString::fromStdString(value); };
    const fs::path script = m_settings.script.empty() ? folder() / "sweep.sbatch" : fs::absolute(m_settings.script);
    QStringList arguments {QStringLiteral("--array=") + text(arrayText(part.indices, m_settings.atOnce)),
                           QStringLiteral("--job-name=") + text(m_submission->name),
                           QStringLiteral("--output=") + text((folder() / "logs/%A_%a.out").string()),
                           text(script.string()),
                           QString::number(part.first),
                           QString::number(shards),
                           text((folder() / "sweep.yaml").string()),
                           text((folder() / "results").string())};
    for (const std::string& option : m_settings.elementOptions)
        arguments << text(option);
    PSC_ASSIGN(const std::int64_t array, m_slurm.submit(arguments));
    m_submission->arrays.push_back(array);
    Q_EMIT submitted(array, static_cast<int>(part.indices.size()));
    return core::success();
}

/// Shards that have grown. One that is damaged is told and left out; the others count.
core::Result<bool> SlurmSweep::mergeShards()
{
    std::error_code failure;
    std::vector<fs::path> grown;
    std::map<std::string, std::uintmax_t> sizes;
    for (const auto& entry : fs::directory_iterator(folder() / "results", failure)) {
        const std::string name = entry.path().string();
        const std::uintmax_t size = entry.path().extension() == ".psl" ? entry.file_size(failure) : 0;
        if (size == 0 || (m_merged.contains(name) && m_merged[name] == size))
            continue;
        grown.push_back(entry.path());
        sizes[name] = size;
    }
    std::sort(grown.begin(), grown.end());
    if (grown.empty())
        return false;
    if (!core::mergeProjects(grown, m_settings.project, false).ok()) {
        for (const fs::path& shard : grown) {
            const auto merged = core::mergeProjects({shard}, m_settings.project, false);
            if (merged.ok())
                continue;
            if (merged.error().code != ErrorCode::Corrupt && merged.error().code != ErrorCode::Unsupported)
                return merged.error();
            noteOnce(merged.error().sentence());
        }
    }
    PSC_TRY(core::gatherArtifacts(grown, m_settings.project));
    for (const auto& [name, size] : sizes)
        m_merged[name] = size;
    return true;
}

core::Status SlurmSweep::takeTrials()
{
    PSC_ASSIGN(const bool hasGrown, mergeShards());
    if (!hasGrown)
        return core::success();
    PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(m_settings.project, core::OpenMode::ReadOnly));
    PSC_ASSIGN(const std::vector<TrialRecord> recorded, store.trials());
    PSC_ASSIGN(const PreparedSweep now, prepareSweep(m_sweep, m_identity, m_settings.options, recorded));
    std::map<core::TrialId, const TrialRecord*> byId;
    for (const TrialRecord& trial : recorded)
        byId[trial.id] = &trial;
    for (std::size_t i = 0; i < plan().trials.size(); ++i) {
        const core::TrialId id = plan().trials[i].id;
        const auto record = byId.find(id);
        if (record == byId.end() || plan().done[i] || plan().held[i] || m_ended.contains(id))
            continue;
        const TrialRecord& trial = *record->second;
        const auto before = m_failedAt.find(id);
        const bool hasFailed =
            trial.status == TrialStatus::Failed && (before == m_failedAt.end() || before->second != trial.finishedUtc);
        if (!now.plan.done[i] && !hasFailed)
            continue;
        m_ended.insert(id);
        (now.plan.done[i] ? m_summary.done : m_summary.failed) += 1;
        Q_EMIT trialFinished(trial);
    }
    return core::success();
}

void SlurmSweep::poll()
{
    if (m_isOver)
        return;
    const auto queue = m_slurm.queued(m_submission->name);
    const core::Status taken = takeTrials();
    if (!taken.ok() && taken.error().code != ErrorCode::Busy) // somebody else merges or edits: next time
        return finish(taken.error());
    if (!queue.ok()) // a controller that restarts; the elements go on without it
        noteOnce(queue.error().sentence() + "; asking again");
    else
        compare(queue.value());
    if (m_settings.options.failFast && m_summary.failed > 0 && !m_isCancelled)
        cancel();
    // Files may become visible on this machine some time after the job has ended.
    m_emptyPolls = queue.ok() && m_queue.empty() ? m_emptyPolls + 1 : 0;
    const bool isAllDone = static_cast<int>(m_ended.size()) == plan().remaining();
    if (m_emptyPolls > 0 && (isAllDone || m_emptyPolls > 1))
        return conclude();
    m_timer.start(m_settings.poll);
}

void SlurmSweep::compare(const std::vector<QueuedElement>& queue)
{
    std::set<std::pair<std::int64_t, int>> present;
    int waiting = 0;
    for (const QueuedElement& element : queue) {
        present.emplace(element.array, element.index);
        const auto [last, isNew] = m_shown.try_emplace({element.array, element.index}, element);
        if (isNew || std::exchange(last->second, element) != element)
            tellElement(element);
        waiting += element.isWaiting() ? 1 : 0;
        if (element.isWaiting() && isHeld(element.reason))
            noteOnce("element " + elementName(element) + " is held (" + element.reason + "); scontrol release " +
                     elementName(element) + " lets it go on");
    }
    for (const QueuedElement& element : m_queue) {
        if (!present.contains({element.array, element.index}))
            tellEnd(element);
    }
    m_queue = std::set<QueuedElement>(queue.begin(), queue.end());
    Q_EMIT queueChanged(waiting, static_cast<int>(queue.size()) - waiting);
}

void SlurmSweep::tellElement(const QueuedElement& element)
{
    Q_EMIT elementChanged(element.array, element.index, QString::fromStdString(element.state),
                          QString::fromStdString(element.reason));
}

void SlurmSweep::tellEnd(const QueuedElement& element)
{
    const auto end = m_slurm.endOf(element.array, element.index);
    m_shown.erase({element.array, element.index});
    tellElement({element.array, element.index, end ? end->state : "ENDED", end ? end->exit : ""});
    if (!end || end->state == "COMPLETED" || m_isCancelled)
        return;
    const std::string what = "element " + elementName(element) + " ended: ";
    const std::string log = "; see " + (folder() / "logs" / (elementName(element) + ".out")).string();
    if (end->exit == "75:0")
        noteOnce(what + "it ran out of time and was restarted as often as the script allows" + log);
    else if (end->exit == "3:0")
        return; // its failed trials are told
    else if (end->state == "FAILED")
        noteOnce(what + "exit status " + end->exit.substr(0, end->exit.find(':')) + log);
    else
        noteOnce(what + end->state + "; its trials have not failed, they stay open");
}

void SlurmSweep::conclude()
{
    const bool isOpen = static_cast<int>(m_ended.size()) < plan().remaining();
    if (isOpen && !m_submission->isComplete && !m_isCancelled) { // its coordinator died between two arrays
        if (const core::Status status = submit(); !status.ok())
            return finish(status.error());
        m_emptyPolls = 0;
        m_timer.start(m_settings.poll);
        return;
    }
    finish();
}

void SlurmSweep::cancel()
{
    if (m_isOver || !m_submission)
        return;
    const core::Status status = m_isCancelled ? m_slurm.kill(m_submission->name) : m_slurm.end(m_submission->name);
    if (!status.ok())
        noteOnce(status.error().sentence());
    if (m_isCancelled)
        return finish();
    m_isCancelled = true;
    m_timer.start(std::chrono::milliseconds(0));
}

void SlurmSweep::detach()
{
    finish();
}

void SlurmSweep::finish(std::optional<Error> error)
{
    if (m_isOver)
        return;
    m_isOver = true;
    m_timer.stop();
    m_summary.error = std::move(error);
    m_summary.interrupted = plan().remaining() - static_cast<int>(m_ended.size());
    m_summary.stopped = m_summary.interrupted > 0;
    m_summary.wallSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - m_begin).count();
    m_lock.reset();
    Q_EMIT finished(m_summary);
}

void SlurmSweep::noteOnce(const std::string& text)
{
    if (m_told.insert(text).second)
        Q_EMIT noted(QString::fromStdString(text));
}

} // namespace paretoscope::jobs
