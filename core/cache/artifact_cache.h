// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/mapped_file.h"
#include "core/base/quantity.h"
#include "core/cache/file_lock.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// What a cache folder holds; each kind in a folder of its own.
enum class ArtifactKind
{
    Statistic,  ///< of the inputs of a model's layers
    Collection, ///< which statistics belong together
    Reference,  ///< what a baseline says about a sequence
    Prefix,     ///< a model after the first stages of a pipeline
};
std::string_view artifactKindName(ArtifactKind kind); ///< "statistic", ...

/// Finished pieces of work by the hash of what they were made from, in one folder that all processes of a user share.
///
/// - Entries appear under their names whole and carry a checksum; a damaged one is removed, counts as absent and leaves
///   a remark. Killing a process at any moment leaves at most a file without an owner, which trim() removes.
/// - The folder stays below its limit: what was used last is kept longest. That includes what unfinished trials left
///   behind to be taken up again (folder trials/), unless a process works on them.
/// - A claim tells other processes that somebody makes an entry, so that they may wait instead of making it too.
/// - A folder that cannot be written, or a full disk, costs speed, never a trial.
///
/// Safe for several processes, and for several threads of one.
class ArtifactCache
{
public:
    /// @param folder  empty: switched off
    /// @param limit   nothing: a quarter of what is free and what the cache uses already, at most 64 GiB
    explicit ArtifactCache(std::filesystem::path folder, std::optional<Bytes> limit = std::nullopt);

    struct Entry
    {
        Json note; ///< what was stored with it
        MappedFile file;
        std::string_view content; ///< within `file`
    };

    bool enabled() const { return !m_folder.empty(); }
    const std::filesystem::path& folder() const { return m_folder; }

    /// `key` names everything that the content depends on. An entry that is found counts as used now.
    std::optional<Entry> find(ArtifactKind kind, const Json& key);
    /// Whether there is an entry, without reading it.
    bool contains(ArtifactKind kind, const Json& key) const;
    /// @param content  written one after the other
    /// @return whether it is there now
    bool store(ArtifactKind kind, const Json& key, const Json& note, std::span<const std::string_view> content);

    /// Null while somebody else holds it, and where claims cannot be made. It ends with the object or the process.
    using Claim = std::shared_ptr<const FileLock>;
    Claim claim(ArtifactKind kind, const Json& key);
    /// Whether somebody else holds the claim and gave a sign of life within the last two minutes.
    bool isClaimed(ArtifactKind kind, const Json& key) const;
    /// Waits for the claim as long as isClaimed() and `goesOn`, which is asked every 50 ms. Null: it is not ours, and
    /// there is nothing to wait for.
    Claim awaitClaim(ArtifactKind kind, const Json& key, const std::function<bool()>& goesOn);
    /// Returns when the condition, looked at every 50 ms, no longer holds.
    static void waitWhile(const std::function<bool()>& condition);
    /// A sign of life for all claims of this object; to be called now and then while work goes on.
    void touchClaims();

    /// Removes what nobody owns any more, and what was used longest ago when the folder exceeds its limit.
    void trim() { makeRoom(0); }
    /// What users should know of damaged entries, one sentence each; given once.
    std::vector<std::string> takeRemarks();

private:
    std::filesystem::path fileOf(ArtifactKind kind, const Json& key) const;
    std::filesystem::path claimOf(ArtifactKind kind, const Json& key) const;
    bool write(const std::filesystem::path& file, const Json& note, std::span<const std::string_view> content);
    void makeRoom(std::int64_t bytes);
    Bytes limitFor(std::int64_t used) const;

    std::filesystem::path m_folder;
    std::optional<Bytes> m_limit;
    mutable std::mutex m_mutex;
    std::optional<std::int64_t> m_room; ///< bytes that may still be stored before the folder is looked through again
    std::vector<std::string> m_remarks;
    std::vector<std::weak_ptr<const FileLock>> m_claims;
};

} // namespace paretoscope::core
