// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/project/artifact/artifacts.h"
#include "core/project/records.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::core {

struct DeviceRecord;
struct MachineRecord;
struct PublishedPoint;
struct RooflinePoint;
struct StoreEnvironment;

enum class OpenMode
{
    ReadOnly,  ///< changes no byte, also while a sweep writes
    ReadWrite, ///< takes the writer's lock; the file must exist
    Create,    ///< as ReadWrite, and makes the file when it does not exist
};

/// What a finished trial survives. WAL mode writes a commit without waiting for the disk unless told to; all else that
/// is recorded (status, events) always has the weaker level, and becomes durable with the next finished trial.
enum class Durability
{
    ProcessKill, ///< kill -9 of any process
    PowerLoss,   ///< also a crash of the machine; one fsync per finished trial
};

/// One project file (*.pscope). One process writes; any number read. Not thread-safe: one object per thread.
/// A reader holds nothing open between two calls. While a process has a project open, only the store may open the file
/// there: closing any other descriptor of it would drop SQLite's locks (docs/project-file.md).
class ProjectStore
{
public:
    /// Errors: NotFound; Io (folder not writable, disk full); Busy (names the process and host that hold the lock);
    /// Unsupported (a newer schema: names the version needed); Corrupt (not a project, damaged).
    static Result<ProjectStore> open(const std::filesystem::path& file, OpenMode mode);

    /// The same with other surroundings, for tests.
    static Result<ProjectStore> open(const std::filesystem::path& file, OpenMode mode,
                                     const StoreEnvironment& environment);

    ProjectStore(ProjectStore&&) noexcept;
    ProjectStore& operator=(ProjectStore&&) noexcept;
    ~ProjectStore();

    const std::filesystem::path& path() const;

    // Writing. Each call is one transaction, durable when it returns. Errors: Io (disk full, file gone), Busy, Corrupt;
    // after one nothing of the call is in the file, and all of the calls before is. InvalidArgument: opened ReadOnly.
    Status recordWorkload(const WorkloadRecord& workload);
    Status recordSweep(const std::string& name, const std::string& source, const std::vector<TrialId>& trials);
    /// Inserts or updates trials without touching metrics that are there: status, pipeline, attempts.
    Status recordTrials(const std::vector<TrialRecord>& trials);
    /// The trial, its metrics and its layer metrics in one transaction. Measurements are added to those that are there;
    /// the same one again is not doubled, and one that contradicts an earlier one is kept beside it and reported as an
    /// event.
    Status finishTrial(const TrialRecord& trial);
    /// Many at once, all or none: what imports and merges use.
    Status finishTrials(std::span<const TrialRecord> trials);
    Status setTrialStatus(const TrialId& id, TrialStatus status);
    /// Running trials of a coordinator that is gone become Interrupted. Called once after opening for a sweep.
    Result<int> interruptRunningTrials();
    Status recordEvent(const EventRecord& event);
    /// Points that are there already are not doubled. @return how many were new
    Result<int> recordPublishedPoints(std::span<const PublishedPoint> points);
    /// Predictions that are there with the same inputs are left alone, those that were made of other ones for the same
    /// trial, device and load give way. @return how many were new. Errors: NotFound (a trial).
    Result<int> recordPredictions(std::span<const RooflinePoint> points);
    /// Replaces what there is of a machine of this name.
    Status recordMachine(const MachineRecord& machine);
    /// Replaces what there is of a device of this name.
    Status recordDevice(const DeviceRecord& device);
    Status removeDevice(const std::string& name); ///< one that is not there is none to remove
    void setDurability(Durability durability);    ///< PowerLoss unless set

    // Reading.
    Result<std::vector<TrialRecord>> trials() const; ///< with metrics, without layer metrics; in order of insertion
    /// All trials with the metrics of these names alone: id, label, status, seed, workload, values and their
    /// conditions. For fronts over projects too large to be read whole.
    Result<std::vector<TrialRecord>> trialsWithMetrics(std::span<const std::string> names) const;
    Result<TrialRecord> trial(const TrialId& id) const; ///< complete
    /// By a unique prefix of the hex id (at least 4 digits) or an exact label. Errors: NotFound, InvalidArgument.
    Result<TrialRecord> findTrial(const std::string& idOrLabel) const;
    Result<std::vector<WorkloadRecord>> workloads() const;
    Result<std::vector<SweepRecord>> sweeps() const;                 ///< in order of recording
    Result<std::vector<EventRecord>> events(int newest = 200) const; ///< oldest of them first
    Result<std::vector<StoredArtifact>> artifacts() const;           ///< in order of recording
    Result<std::vector<PublishedPoint>> publishedPoints() const;     ///< in order of recording
    Result<std::vector<MachineRecord>> machines() const;             ///< in order of recording; without parts
    Result<std::vector<DeviceRecord>> devices() const;               ///< of users, in order of recording
    Result<std::vector<RooflinePoint>> rooflinePoints() const;       ///< in order of recording
    /// Writes the content of an embedded artifact as `file`. Errors: NotFound; Io; Corrupt.
    Status extractArtifact(const std::string& sha256, const std::filesystem::path& file) const;
    /// Grows with every commit of any process; cheap to poll.
    Result<std::int64_t> dataVersion() const;

    /// Writes all of the project, as it is at this moment, to the single file `file`: complete or not at all, also
    /// while a sweep writes. A file that is there is replaced. Errors: NotFound (folder); Io (not writable, disk full);
    /// InvalidArgument (the project itself); Busy (another project that is in use).
    Status copyTo(const std::filesystem::path& file) const;

private:
    struct Impl;
    explicit ProjectStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace paretoscope::core
