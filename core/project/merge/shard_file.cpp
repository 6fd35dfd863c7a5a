// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/shard_file.h"

#include "core/base/mapped_file.h"
#include "core/base/sha256.h"
#include "core/project/event_rows.h"
#include "core/project/migrations.h"
#include "core/project/record_json.h"
#include "core/project/sweep_rows.h"
#include "core/project/timestamp.h"
#include "core/project/trial_rows.h"
#include "core/project/workload_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

constexpr std::string_view kMagic = "PSCPSHARD1\n";
constexpr std::string_view kAnyMagic = "PSCPSHARD";
constexpr std::size_t kHead = 16; ///< of a record: length and checksum, 8 bytes each
constexpr std::size_t kLargestFile = std::size_t(4) << 30;
constexpr std::uint64_t kLongest = std::uint64_t(1) << 30;

using Head = std::array<char, kHead>;

void putLittleEndian(char* bytes, std::uint64_t value)
{
    for (int i = 0; i < 8; ++i)
        bytes[i] = static_cast<char>(value >> (8 * i));
}

std::uint64_t littleEndian(const char* bytes)
{
    std::uint64_t value = 0;
    for (int i = 7; i >= 0; --i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

Head headOf(std::string_view record)
{
    Head head {};
    putLittleEndian(head.data(), record.size());
    const Sha256Digest digest = sha256(record);
    std::copy_n(digest.bytes.begin(), 8, head.begin() + 8);
    return head;
}

struct Parts
{
    std::vector<std::string_view> records;
    std::size_t end = 0; ///< of the last complete record
};

Error noShard(const std::filesystem::path& file, const std::string& why)
{
    return {ErrorCode::Corrupt, file.string() + " is no shard of a sweep: " + why,
            "shards are what runs on a cluster write (*.psl)"};
}

/// Cuts a shard into its records. A record is what its length says; one that reaches beyond the end, or whose bytes are
/// not those that were written while nothing follows it, is the torn end.
Result<Parts> partsOf(std::string_view bytes, const std::filesystem::path& file)
{
    if (bytes.size() < kMagic.size() && kMagic.starts_with(bytes))
        return Parts {}; // torn at birth
    if (!bytes.starts_with(kMagic)) {
        if (bytes.starts_with(kAnyMagic))
            return Error {ErrorCode::Unsupported, file.string() + " has a newer format", "update Paretoscope"};
        return noShard(file, "it does not begin like one");
    }
    Parts parts;
    parts.end = kMagic.size();
    while (bytes.size() - parts.end >= kHead) {
        const std::uint64_t length = littleEndian(bytes.data() + parts.end);
        const std::size_t begin = parts.end + kHead;
        if (length > kLongest || length > bytes.size() - begin)
            break;
        const std::string_view record = bytes.substr(begin, static_cast<std::size_t>(length));
        const bool isWhole = std::ranges::equal(headOf(record), bytes.substr(parts.end, kHead));
        if (!isWhole && begin + record.size() < bytes.size())
            return Error {ErrorCode::Corrupt,
                          file.string() + ": record " + std::to_string(parts.records.size() + 1) + " at byte " +
                              std::to_string(parts.end) + " is damaged",
                          "run that shard again, or merge without this file"};
        if (!isWhole)
            break;
        parts.records.push_back(record);
        parts.end = begin + record.size();
    }
    return parts;
}

Error failed(const std::filesystem::path& file, std::string_view what, int code)
{
    return {ErrorCode::Io, "cannot " + std::string(what) + " " + file.string() + ": " + std::strerror(code),
            "check the permissions and the free space of the folder"};
}

Status applyRecord(Database& database, const Json& record)
{
    const Json type = record.is_object() ? record.value("type", Json()) : Json();
    if (type == "trial") {
        PSC_ASSIGN(const TrialRecord trial, trialRecordFromJson(record.value("record", Json())));
        return recordFinishedTrial(database, trial);
    }
    if (type == "workload") {
        PSC_ASSIGN(const WorkloadRecord workload, workloadRecordFromJson(record.value("record", Json())));
        return upsertWorkload(database, workload);
    }
    if (type == "sweep") {
        PSC_ASSIGN(const SweepRecord sweep, sweepRecordFromJson(record.value("record", Json())));
        return upsertSweep(database, sweep);
    }
    if (type == "event") {
        PSC_ASSIGN(const EventRecord event, eventRecordFromJson(record.value("record", Json())));
        return insertEvent(database, event);
    }
    return success(); // of a later version: additive
}

/// When something was recorded does not depend on when the shard is read.
constexpr std::array<std::string_view, 3> kTimes {
    "UPDATE workload SET recorded_utc = ?", "UPDATE sweep SET recorded_utc = ?",
    "UPDATE trial SET recorded_utc = coalesce(nullif((SELECT min(started_utc) FROM attempt a "
    "WHERE a.trial_id = trial.id), ''), ?)"};

} // namespace

Result<ShardWriter> ShardWriter::open(const std::filesystem::path& file)
{
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return failed(file, "open", errno);
    ShardWriter writer(file, descriptor, 0);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return Error {ErrorCode::Busy, file.string() + " is written by another process",
                      "give each element of an array a shard of its own"};
    {
        PSC_ASSIGN(const std::string bytes, readTextFile(file, kLargestFile));
        PSC_ASSIGN(const Parts parts, partsOf(bytes, file));
        writer.m_end = static_cast<std::int64_t>(parts.end);
    }
    if (::ftruncate(descriptor, writer.m_end) != 0)
        return failed(file, "write", errno);
    if (writer.m_end == 0) {
        if (::pwrite(descriptor, kMagic.data(), kMagic.size(), 0) != static_cast<ssize_t>(kMagic.size()))
            return failed(file, "write", errno);
        writer.m_end = static_cast<std::int64_t>(kMagic.size());
        PSC_TRY(writer.appendRecord("shard", {{"created", utcTimestamp()}}));
    }
    return writer;
}

ShardWriter::ShardWriter(ShardWriter&& other) noexcept
    : m_file(std::move(other.m_file))
    , m_descriptor(std::exchange(other.m_descriptor, -1))
    , m_end(other.m_end)
{}

ShardWriter::~ShardWriter()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

Status ShardWriter::appendRecord(std::string_view type, const Json& record)
{
    const std::string text = canonicalJson({{"type", type}, {"record", record}});
    const Head head = headOf(text);
    std::string bytes(head.begin(), head.end());
    bytes += text;
    std::size_t written = 0;
    while (written < bytes.size()) {
        const ssize_t count =
            ::pwrite(m_descriptor, bytes.data() + written, bytes.size() - written, m_end + static_cast<off_t>(written));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            const Error error = failed(m_file, "write", count < 0 ? errno : ENOSPC);
            if (::ftruncate(m_descriptor, m_end) != 0) // else the torn end is cut off by the next writer
                return error;
            return error;
        }
        written += static_cast<std::size_t>(count);
    }
    if (::fdatasync(m_descriptor) != 0)
        return failed(m_file, "write", errno);
    m_end += static_cast<std::int64_t>(bytes.size());
    return success();
}

Status ShardWriter::append(const WorkloadRecord& workload)
{
    return appendRecord("workload", toJson(workload));
}
Status ShardWriter::append(const SweepRecord& sweep)
{
    return appendRecord("sweep", toJson(sweep));
}
Status ShardWriter::append(const TrialRecord& trial)
{
    return appendRecord("trial", toJson(trial));
}
Status ShardWriter::append(const EventRecord& event)
{
    EventRecord stamped = event;
    if (stamped.timeUtc.empty())
        stamped.timeUtc = utcTimestamp();
    return appendRecord("event", toJson(stamped));
}

Result<ShardContent> readShard(const std::filesystem::path& file)
{
    PSC_ASSIGN(const std::string bytes, readTextFile(file, kLargestFile));
    PSC_ASSIGN(const Parts parts, partsOf(bytes, file));
    PSC_ASSIGN(Database database, Database::open({}, Database::Access::Memory, file));
    PSC_TRY(migrate(database, migrations()));
    std::string created = utcTimestamp();
    {
        PSC_ASSIGN(Transaction transaction, Transaction::begin(database, Transaction::Kind::Write));
        for (std::size_t i = 0; i < parts.records.size(); ++i) {
            const std::string place = file.string() + ": record " + std::to_string(i + 1);
            PSC_ASSIGN(const Json record, parseJson(parts.records[i], place));
            const Json shard = record.is_object() ? record.value("record", Json()) : Json();
            if (i == 0 && shard.is_object() && shard.contains("created") && shard["created"].is_string())
                created = shard["created"].get<std::string>();
            if (const Status applied = applyRecord(database, record); !applied.ok())
                return applied.error().withContext(place);
        }
        for (const std::string_view sql : kTimes) {
            PSC_ASSIGN(Statement update, database.prepare(sql));
            PSC_TRY(update.with(created).run());
        }
        PSC_TRY(transaction.commit());
    }
    ShardContent shard;
    PSC_ASSIGN(shard.content, ProjectContent::read(database));
    shard.records = static_cast<std::int64_t>(parts.records.size());
    shard.tornBytes = static_cast<std::int64_t>(bytes.size() - parts.end);
    return shard;
}

bool isShard(const std::filesystem::path& file)
{
    std::array<char, kAnyMagic.size()> begin {};
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const ssize_t count = ::read(descriptor, begin.data(), begin.size());
    ::close(descriptor);
    return count == static_cast<ssize_t>(begin.size()) && std::string_view(begin.data(), begin.size()) == kAnyMagic;
}

} // namespace paretoscope::core
