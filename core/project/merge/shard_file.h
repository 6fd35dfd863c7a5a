// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/merge/content.h"
#include "core/project/records.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace paretoscope::core {

/// What one node of a cluster finished (`*.psl`): records one after another in a file of its own, so that no two nodes
/// write one file on a shared disk. docs/project-file.md describes the format.
///
/// One process appends to a shard at a time; any number reads it meanwhile. A record is complete or, where a node died,
/// the torn end of the file, which readers leave out and the next writer cuts off.
class ShardWriter
{
public:
    /// Makes the file or goes on with it. Errors: Busy (another process appends to it), Corrupt (no shard), Io.
    static Result<ShardWriter> open(const std::filesystem::path& file);

    ShardWriter(ShardWriter&& other) noexcept;
    ShardWriter& operator=(ShardWriter&&) = delete;
    ~ShardWriter();

    // Each is one record, on the disk when the call returns. Errors: Io; then the record is not in the file.
    Status append(const WorkloadRecord& workload);
    Status append(const SweepRecord& sweep);
    Status append(const TrialRecord& trial);
    Status append(const EventRecord& event);

private:
    ShardWriter(std::filesystem::path file, int descriptor, std::int64_t end)
        : m_file(std::move(file))
        , m_descriptor(descriptor)
        , m_end(end)
    {}
    Status appendRecord(std::string_view type, const Json& record);

    std::filesystem::path m_file;
    int m_descriptor = -1;
    std::int64_t m_end = 0; ///< of the last complete record
};

/// What the records of a shard say, as a project that had recorded them would.
struct ShardContent
{
    ProjectContent content;
    std::int64_t records = 0;
    std::int64_t tornBytes = 0; ///< at the end: a record that was not finished
};

/// Errors: NotFound, Io, Corrupt (no shard; a record that a node finished and that is damaged or not understood),
/// Unsupported (a newer format).
Result<ShardContent> readShard(const std::filesystem::path& file);

/// Whether the file begins like a shard.
bool isShard(const std::filesystem::path& file);

} // namespace paretoscope::core
