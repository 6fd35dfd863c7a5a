// SPDX-License-Identifier: Apache-2.0
#include "core/project/project_store.h"

#include "core/project/artifact/artifact_content.h"
#include "core/project/artifact/artifact_rows.h"
#include "core/project/database_copy.h"
#include "core/project/device_rows.h"
#include "core/project/event_rows.h"
#include "core/project/machine_rows.h"
#include "core/project/project_row.h"
#include "core/project/published_rows.h"
#include "core/project/read_connection.h"
#include "core/project/roofline_rows.h"
#include "core/project/store_environment.h"
#include "core/project/sweep_rows.h"
#include "core/project/trial_rows.h"
#include "core/project/trial_search.h"
#include "core/project/workload_rows.h"
#include "core/project/write_connection.h"
#include "core/project/writer_lock.h"

namespace paretoscope::core {

struct ProjectStore::Impl
{
    explicit Impl(ProjectFiles projectFiles)
        : files(std::move(projectFiles))
    {}

    /// Calls `work` with a connection that sees one state of the file.
    template <typename Work>
    std::invoke_result_t<Work, Database&> read(Work&& work)
    {
        if (reader)
            return reader->read(work);
        PSC_ASSIGN(const Transaction transaction, Transaction::begin(writer->database(), Transaction::Kind::Read));
        return work(writer->database());
    }

    /// Calls `work` in a transaction that is committed when it succeeds.
    template <typename Work>
    Status write(std::string_view what, Work&& work,
                 WriteConnection::Survives survives = WriteConnection::Survives::ProcessKill)
    {
        const Status written = [&]() -> Status {
            if (!writer)
                return Error {ErrorCode::InvalidArgument, files.main.string() + " was opened read-only",
                              "open it for writing"};
            PSC_ASSIGN(Transaction transaction, writer->begin(survives));
            PSC_TRY(work(writer->database()));
            return writer->commit(transaction);
        }();
        return written.ok() ? written : Status(written.error().withContext("cannot record " + std::string(what)));
    }

    ProjectFiles files;
    std::optional<WriteConnection> writer;
    std::optional<ReadConnection> reader;
    WriteConnection::Survives results = WriteConnection::Survives::PowerLoss;
};

Result<ProjectStore> ProjectStore::open(const std::filesystem::path& file, OpenMode mode)
{
    return open(file, mode, StoreEnvironment {});
}

Result<ProjectStore> ProjectStore::open(const std::filesystem::path& file, OpenMode mode,
                                        const StoreEnvironment& environment)
{
    if (file.empty())
        return Error {ErrorCode::InvalidArgument, "the name of the project is empty", "give a .pscope file"};
    auto impl = std::make_unique<Impl>(ProjectFiles::of(file));
    if (mode == OpenMode::ReadOnly) {
        impl->reader.emplace(impl->files, environment);
        PSC_TRY(impl->reader->read(revision)); // all checks, so that a bad file fails here
    } else {
        PSC_ASSIGN(WriteConnection writer, WriteConnection::open(impl->files, mode == OpenMode::Create, environment));
        impl->writer.emplace(std::move(writer));
    }
    return ProjectStore(std::move(impl));
}

ProjectStore::ProjectStore(std::unique_ptr<Impl> impl)
    : m_impl(std::move(impl))
{}
ProjectStore::ProjectStore(ProjectStore&&) noexcept = default;
ProjectStore& ProjectStore::operator=(ProjectStore&&) noexcept = default;
ProjectStore::~ProjectStore() = default;

const std::filesystem::path& ProjectStore::path() const
{
    return m_impl->files.main;
}

Status ProjectStore::recordWorkload(const WorkloadRecord& workload)
{
    return m_impl->write("workload " + workload.name,
                         [&](Database& database) { return upsertWorkload(database, workload); });
}

Status ProjectStore::recordSweep(const std::string& name, const std::string& source, const std::vector<TrialId>& trials)
{
    const SweepRecord sweep {.name = name, .source = source, .recordedUtc = {}, .trials = trials};
    return m_impl->write("sweep " + name, [&](Database& database) { return upsertSweep(database, sweep); });
}

Status ProjectStore::recordTrials(const std::vector<TrialRecord>& trials)
{
    return m_impl->write(std::to_string(trials.size()) + " trials", [&](Database& database) -> Status {
        for (const TrialRecord& trial : trials)
            PSC_TRY(upsertTrial(database, trial));
        return success();
    });
}

Status ProjectStore::finishTrial(const TrialRecord& trial)
{
    return m_impl->write(
        "trial " + trial.id.hex().substr(0, 12) + " " + trial.label,
        [&](Database& database) { return recordFinishedTrial(database, trial); }, m_impl->results);
}

Status ProjectStore::finishTrials(std::span<const TrialRecord> trials)
{
    return m_impl->write(
        std::to_string(trials.size()) + " finished trials",
        [&](Database& database) -> Status {
            MetricKindIds known;
            for (const TrialRecord& trial : trials)
                PSC_TRY(recordFinishedTrial(database, trial, &known));
            return success();
        },
        m_impl->results);
}

Status ProjectStore::setTrialStatus(const TrialId& id, TrialStatus status)
{
    return m_impl->write("the status of trial " + id.hex().substr(0, 12),
                         [&](Database& database) { return updateTrialStatus(database, id, status); });
}

Result<int> ProjectStore::interruptRunningTrials()
{
    PSC_ASSIGN(const int running, m_impl->read(countRunningTrials));
    if (running == 0 && m_impl->writer) // a sweep with nothing to do leaves the file as it is
        return 0;
    int interrupted = 0;
    PSC_TRY(m_impl->write("what was interrupted", [&](Database& database) -> Status {
        PSC_ASSIGN(interrupted, interruptTrials(database));
        return insertEvent(
            database, {.timeUtc = {},
                       .level = "warn",
                       .kind = "trials_interrupted",
                       .trial = {},
                       .text = std::to_string(interrupted) + " trials were running when the last sweep was ended"});
    }));
    return interrupted;
}

Status ProjectStore::recordEvent(const EventRecord& event)
{
    return m_impl->write("event " + event.kind, [&](Database& database) { return insertEvent(database, event); });
}

Result<int> ProjectStore::recordPublishedPoints(std::span<const PublishedPoint> points)
{
    int added = 0;
    PSC_TRY(m_impl->write(std::to_string(points.size()) + " published points", [&](Database& database) -> Status {
        PSC_ASSIGN(added, addPublishedPoints(database, points));
        return success();
    }));
    return added;
}

Result<int> ProjectStore::recordPredictions(std::span<const RooflinePoint> points)
{
    int recorded = 0;
    PSC_TRY(m_impl->write(std::to_string(points.size()) + " predictions", [&](Database& database) -> Status {
        PSC_ASSIGN(recorded, core::recordPredictions(database, points));
        return success();
    }));
    return recorded;
}

Status ProjectStore::recordMachine(const MachineRecord& machine)
{
    return m_impl->write("machine profile " + machine.name,
                         [&](Database& database) { return core::recordMachine(database, machine); });
}

Status ProjectStore::recordDevice(const DeviceRecord& device)
{
    return m_impl->write("device " + device.name,
                         [&](Database& database) { return core::recordDevice(database, device); });
}

Status ProjectStore::removeDevice(const std::string& name)
{
    return m_impl->write("device " + name, [&](Database& database) { return core::removeDevice(database, name); });
}

void ProjectStore::setDurability(Durability durability)
{
    m_impl->results = durability == Durability::PowerLoss ? WriteConnection::Survives::PowerLoss
                                                          : WriteConnection::Survives::ProcessKill;
}

Result<std::vector<TrialRecord>> ProjectStore::trials() const
{
    return m_impl->read(readTrials);
}

Result<std::vector<TrialRecord>> ProjectStore::trialsWithMetrics(std::span<const std::string> names) const
{
    return m_impl->read([names](Database& database) { return readTrialsWithMetrics(database, names); });
}

Result<TrialRecord> ProjectStore::trial(const TrialId& id) const
{
    return m_impl->read([&](Database& database) { return readTrial(database, id); });
}

Result<TrialRecord> ProjectStore::findTrial(const std::string& idOrLabel) const
{
    return m_impl->read([&](Database& database) -> Result<TrialRecord> {
        PSC_ASSIGN(const TrialId id, findTrialId(database, idOrLabel));
        return readTrial(database, id);
    });
}

Result<std::vector<WorkloadRecord>> ProjectStore::workloads() const
{
    return m_impl->read(readWorkloads);
}

Result<std::vector<SweepRecord>> ProjectStore::sweeps() const
{
    return m_impl->read(readSweeps);
}

Result<std::vector<EventRecord>> ProjectStore::events(int newest) const
{
    return m_impl->read([newest](Database& database) { return newestEvents(database, newest); });
}

Result<std::vector<StoredArtifact>> ProjectStore::artifacts() const
{
    return m_impl->read(readArtifacts);
}

Result<std::vector<PublishedPoint>> ProjectStore::publishedPoints() const
{
    return m_impl->read(readPublishedPoints);
}

Result<std::vector<RooflinePoint>> ProjectStore::rooflinePoints() const
{
    return m_impl->read(readRooflinePoints);
}

Result<std::vector<MachineRecord>> ProjectStore::machines() const
{
    return m_impl->read(readMachines);
}

Result<std::vector<DeviceRecord>> ProjectStore::devices() const
{
    return m_impl->read(readDevices);
}

Status ProjectStore::extractArtifact(const std::string& sha256, const std::filesystem::path& file) const
{
    return m_impl->read([&](Database& database) -> Status {
        PSC_ASSIGN(const std::vector<StoredArtifact> all, readArtifacts(database));
        for (const StoredArtifact& stored : all) {
            if (stored.artifact.sha256 != sha256 || stored.state != ArtifactState::Embedded)
                continue;
            PSC_ASSIGN(const std::optional<std::int64_t> row, artifactRowOf(database, sha256));
            return writeChunks(database, row.value_or(0), stored.artifact.bytes, sha256, file);
        }
        return Error {ErrorCode::NotFound, m_impl->files.main.string() + " holds no artifact " + sha256.substr(0, 12),
                      "`paretoscope artifacts` lists them"};
    });
}

Result<std::int64_t> ProjectStore::dataVersion() const
{
    return m_impl->read(revision);
}

Status ProjectStore::copyTo(const std::filesystem::path& file) const
{
    const ProjectFiles target = ProjectFiles::of(file);
    if (stampOf(target.main).isSameFile(stampOf(m_impl->files.main)))
        return Error {ErrorCode::InvalidArgument, "the copy would replace " + file.string() + " itself",
                      "give another name"};
    PSC_ASSIGN(const WriterLock lock, WriterLock::acquire(target.lock, target.main));
    // A log left beside the target would be played into the copy when that is opened.
    if (stampOf(target.wal).exists || stampOf(target.journal).exists)
        return Error {ErrorCode::Busy, file.string() + " was not closed by the last program that wrote it",
                      "give another name, or open that project first"};
    return m_impl->read([&](Database& database) { return copyDatabase(database, target.main); });
}

} // namespace paretoscope::core
