// SPDX-License-Identifier: Apache-2.0
#include "core/project/artifact/artifact_check.h"

#include "core/project/project_files.h"

#include "core/base/sha256.h"

#include <set>

namespace paretoscope::core {

namespace {

constexpr std::string_view kArtifacts = "SELECT id, sha256, bytes, state FROM artifact ORDER BY id";
constexpr std::string_view kChunks = "SELECT position, content FROM artifact_chunk WHERE artifact_id = ? "
                                     "ORDER BY position";

std::string wrongContent(std::int64_t found, std::int64_t expected, const std::string& hash, const std::string& sha256)
{
    if (found != expected)
        return "it has " + std::to_string(found) + " of " + std::to_string(expected) + " bytes";
    return hash == sha256 ? std::string() : "its content was changed: it does not have its hash";
}

std::string wrongFile(const std::filesystem::path& file, std::int64_t bytes, const std::string& sha256)
{
    const FileStamp stamp = stampOf(file);
    if (!stamp.exists || !stamp.regular)
        return "its file is missing";
    if (stamp.size != bytes)
        return wrongContent(stamp.size, bytes, {}, sha256);
    const Result<Sha256Digest> digest = sha256OfFile(file);
    return digest.ok() ? wrongContent(stamp.size, bytes, digest.value().hex(), sha256) : digest.error().message;
}

std::string wrongChunks(Database& database, std::int64_t id, std::int64_t bytes, const std::string& sha256)
{
    Result<Statement> query = database.prepare(kChunks);
    if (!query.ok())
        return "its content cannot be read";
    Sha256 hash;
    std::int64_t size = 0;
    std::int64_t next = 0;
    bool gap = false;
    const Status read = query.value().with(id).forEachRow([&](const Statement& row) {
        gap = gap || row.integer(0) != next++;
        size += static_cast<std::int64_t>(row.blob(1).size());
        hash.update(std::as_bytes(row.blob(1)));
        return success();
    });
    if (!read.ok())
        return "its content cannot be read";
    if (gap)
        return "a part of its content is missing";
    return wrongContent(size, bytes, hash.finish().hex(), sha256);
}

} // namespace

std::string wrongArtifact(Database& database, std::int64_t id, const std::string& sha256, std::int64_t bytes,
                          const std::string& state, const std::filesystem::path& folder)
{
    if (!Sha256Digest::fromHex(sha256).ok())
        return "its hash is none"; // and no name of a file
    if (state == "kept")
        return wrongFile(folder / sha256, bytes, sha256);
    return state == "embedded" ? wrongChunks(database, id, bytes, sha256) : std::string();
}

void checkArtifacts(Database& database, const std::filesystem::path& project, VerifyReport& report)
{
    const std::filesystem::path folder = artifactFolderOf(project);
    std::set<std::string> known;
    struct Artifact
    {
        std::int64_t id;
        std::string sha256;
        std::int64_t bytes;
        std::string state;
    };
    std::vector<Artifact> artifacts;
    Result<Statement> query = database.prepare(kArtifacts);
    if (!query.ok())
        return; // said by the check of the schema
    (void)query.value().forEachRow([&](const Statement& row) {
        artifacts.push_back({row.integer(0), row.text(1), row.integer(2), row.text(3)});
        return success();
    });
    for (const Artifact& artifact : artifacts) {
        known.insert(artifact.sha256);
        const std::string wrong =
            wrongArtifact(database, artifact.id, artifact.sha256, artifact.bytes, artifact.state, folder);
        if (!wrong.empty())
            report.add({.kind = "artifact",
                        .where = "artifact " + std::to_string(artifact.id) + " (" + artifact.sha256.substr(0, 12) + ")",
                        .message = wrong,
                        .remedy = "put the file back, or drop it: the next sweep that needs it makes it again",
                        .repairable = true});
    }
    std::error_code failure;
    for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        const std::string name = entry->path().filename().string();
        if (!known.contains(name))
            report.add({.kind = "artifact",
                        .where = folder.filename().string() + "/" + name,
                        .message = "no trial of the project has this file",
                        .remedy = "delete it, if you do not know what it is for",
                        .repairable = true});
    }
}

} // namespace paretoscope::core
