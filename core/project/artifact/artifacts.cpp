// SPDX-License-Identifier: Apache-2.0
#include "core/project/artifact/artifacts.h"

#include "core/base/sha256.h"
#include "core/project/artifact/artifact_check.h"
#include "core/project/artifact/artifact_content.h"
#include "core/project/artifact/artifact_rows.h"
#include "core/project/project_store.h"
#include "core/project/write_connection.h"

#include <algorithm>
#include <array>
#include <set>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<ArtifactState, std::string_view>, 3> kStates {
    {{ArtifactState::Kept, "kept"}, {ArtifactState::Embedded, "embedded"}, {ArtifactState::Dropped, "dropped"}}};

Error notThere(const std::string& sha256, const Database& database)
{
    return {ErrorCode::NotFound, database.name().string() + " has no artifact " + sha256.substr(0, 12),
            "`paretoscope artifacts` lists them"};
}

/// One artifact of an open project.
class Mover
{
public:
    Mover(Database& database, fs::path folder)
        : m_database(database)
        , m_folder(std::move(folder))
    {}

    /// Files that are to go once the project says so.
    const std::vector<fs::path>& obsolete() const { return m_obsolete; }

    Status move(const StoredArtifact& stored, ArtifactState to)
    {
        const std::string& sha256 = stored.artifact.sha256;
        PSC_ASSIGN(const std::optional<std::int64_t> row, artifactRowOf(m_database, sha256));
        if (!row)
            return notThere(sha256, m_database);
        const fs::path file = m_folder / sha256;
        if (to != ArtifactState::Dropped)
            PSC_TRY(requireSound(stored, *row));
        if (to == ArtifactState::Embedded)
            PSC_TRY(storeChunks(m_database, *row, file));
        if (to == ArtifactState::Kept)
            PSC_TRY(writeChunks(m_database, *row, stored.artifact.bytes, sha256, file));
        if (to != ArtifactState::Embedded)
            PSC_TRY(deleteChunks(m_database, *row));
        if (to != ArtifactState::Kept && Sha256Digest::fromHex(sha256).ok())
            m_obsolete.push_back(file);
        return setArtifactState(m_database, *row, to);
    }

private:
    Status requireSound(const StoredArtifact& stored, std::int64_t row) const
    {
        const std::string wrong = wrongArtifact(m_database, row, stored.artifact.sha256, stored.artifact.bytes,
                                                std::string(artifactStateName(stored.state)), m_folder);
        if (wrong.empty())
            return success();
        return Error {ErrorCode::Corrupt, "artifact " + stored.artifact.sha256.substr(0, 12) + ": " + wrong,
                      "drop it; the next sweep that needs it makes it again"};
    }

    Database& m_database;
    fs::path m_folder;
    std::vector<fs::path> m_obsolete;
};

/// Whether the name is one that artifacts have, finished or not.
bool isOurs(const std::string& name)
{
    return Sha256Digest::fromHex(name).ok() || name.starts_with("unfinished-") ||
           (name.size() > 64 && Sha256Digest::fromHex(name.substr(0, 64)).ok()); // a temporary file of one
}

bool lacksFile(const StoredArtifact& stored, const fs::path& folder)
{
    return stored.state == ArtifactState::Kept && !stampOf(folder / stored.artifact.sha256).exists;
}

/// The sound file of a source; empty when none has it.
fs::path foundIn(std::span<const fs::path> sources, const StoredArtifact& stored)
{
    for (const fs::path& source : sources) {
        const fs::path file = artifactFolderOf(source) / stored.artifact.sha256;
        const FileStamp stamp = stampOf(file);
        if (!stamp.regular || stamp.size != stored.artifact.bytes)
            continue;
        const Result<Sha256Digest> digest = sha256OfFile(file);
        if (digest.ok() && digest.value().hex() == stored.artifact.sha256)
            return file;
    }
    return {};
}

Status markDropped(WriteConnection& writer, const std::vector<std::string>& hashes)
{
    if (hashes.empty())
        return success();
    PSC_ASSIGN(Transaction transaction, writer.begin(WriteConnection::Survives::PowerLoss));
    for (const std::string& sha256 : hashes) {
        PSC_ASSIGN(const std::optional<std::int64_t> row, artifactRowOf(writer.database(), sha256));
        if (row)
            PSC_TRY(setArtifactState(writer.database(), *row, ArtifactState::Dropped));
    }
    return writer.commit(transaction);
}

} // namespace

std::string_view artifactStateName(ArtifactState state)
{
    return std::find_if(kStates.begin(), kStates.end(), [&](const auto& entry) { return entry.first == state; })
        ->second;
}

std::optional<ArtifactState> artifactStateFromName(std::string_view name)
{
    const auto found =
        std::find_if(kStates.begin(), kStates.end(), [&](const auto& entry) { return entry.second == name; });
    return found == kStates.end() ? std::nullopt : std::optional(found->first);
}

fs::path artifactFolderOf(const fs::path& project)
{
    return project.string() + ".artifacts";
}

Result<ArtifactChange> moveArtifacts(const fs::path& project, std::span<const std::string> hashes, ArtifactState to)
{
    const ProjectFiles files = ProjectFiles::of(project);
    PSC_ASSIGN(WriteConnection writer, WriteConnection::open(files, false, StoreEnvironment {}));
    PSC_ASSIGN(const std::vector<StoredArtifact> all, readArtifacts(writer.database()));
    ArtifactChange change;
    Mover mover(writer.database(), artifactFolderOf(files.main));
    PSC_ASSIGN(Transaction transaction, writer.begin(WriteConnection::Survives::PowerLoss));
    for (const std::string& sha256 : hashes) {
        const auto stored = std::find_if(all.begin(), all.end(), [&](const StoredArtifact& candidate) {
            return candidate.artifact.sha256 == sha256;
        });
        if (stored == all.end())
            return notThere(sha256, writer.database());
        if (stored->state == to || stored->state == ArtifactState::Dropped) {
            ++change.unchanged;
            continue;
        }
        PSC_TRY(mover.move(*stored, to));
        ++change.changed;
        change.bytes += Bytes {stored->artifact.bytes};
    }
    if (change.changed > 0)
        PSC_TRY(writer.commit(transaction));
    std::error_code ignored; // what stays is collected later
    for (const fs::path& file : mover.obsolete())
        fs::remove(file, ignored);
    return change;
}

Result<ArtifactCollection> collectArtifacts(const fs::path& project)
{
    const ProjectFiles files = ProjectFiles::of(project);
    PSC_ASSIGN(WriteConnection writer, WriteConnection::open(files, false, StoreEnvironment {}));
    const fs::path folder = artifactFolderOf(files.main);
    {
        PSC_ASSIGN(Transaction transaction, writer.begin(WriteConnection::Survives::PowerLoss));
        PSC_ASSIGN(const std::int64_t rows, deleteUnusedArtifacts(writer.database()));
        if (rows > 0)
            PSC_TRY(writer.commit(transaction));
    }
    PSC_ASSIGN(const std::vector<StoredArtifact> all, readArtifacts(writer.database()));
    std::set<std::string> kept;
    std::vector<std::string> missing;
    for (const StoredArtifact& stored : all) {
        if (stored.state != ArtifactState::Kept)
            continue;
        kept.insert(stored.artifact.sha256);
        if (lacksFile(stored, folder))
            missing.push_back(stored.artifact.sha256);
    }
    PSC_TRY(markDropped(writer, missing));
    ArtifactCollection collection;
    collection.missing = std::ssize(missing);
    std::vector<fs::path> obsolete;
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
        const std::string name = entry->path().filename().string();
        if (isOurs(name) && !kept.contains(name) && stampOf(entry->path()).regular)
            obsolete.push_back(entry->path());
    }
    for (const fs::path& file : obsolete) {
        const std::int64_t bytes = stampOf(file).size;
        if (fs::remove(file, failure)) {
            ++collection.files;
            collection.bytes += Bytes {bytes};
        }
    }
    fs::remove(folder, failure); // when it is empty
    return collection;
}

Result<ArtifactGathering> gatherArtifacts(std::span<const fs::path> sources, const fs::path& target)
{
    {
        // A target that has all of them is left as it is, to the byte.
        PSC_ASSIGN(const ProjectStore store, ProjectStore::open(target, OpenMode::ReadOnly));
        PSC_ASSIGN(const std::vector<StoredArtifact> known, store.artifacts());
        const fs::path folder = artifactFolderOf(store.path());
        if (std::none_of(known.begin(), known.end(),
                         [&](const StoredArtifact& stored) { return lacksFile(stored, folder); }))
            return ArtifactGathering {};
    }
    const ProjectFiles files = ProjectFiles::of(target);
    PSC_ASSIGN(WriteConnection writer, WriteConnection::open(files, false, StoreEnvironment {}));
    PSC_ASSIGN(const std::vector<StoredArtifact> all, readArtifacts(writer.database()));
    const fs::path folder = artifactFolderOf(files.main);
    ArtifactGathering gathering;
    std::vector<std::string> missing;
    for (const StoredArtifact& stored : all) {
        const fs::path file = folder / stored.artifact.sha256;
        if (!lacksFile(stored, folder))
            continue;
        const bool isHash = Sha256Digest::fromHex(stored.artifact.sha256).ok(); // else no name of a file
        const fs::path found = isHash ? foundIn(sources, stored) : fs::path();
        if (found.empty()) {
            missing.push_back(stored.artifact.sha256);
            continue;
        }
        PSC_TRY(linkOrCopy(found, file));
        ++gathering.files;
    }
    gathering.missing = std::ssize(missing);
    PSC_TRY(markDropped(writer, missing));
    return gathering;
}

} // namespace paretoscope::core
