// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/project/records.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Where the content of an artifact is.
enum class ArtifactState
{
    Kept,     ///< a file under its hash in NAME.pscope.artifacts
    Embedded, ///< in the project itself
    Dropped,  ///< nowhere; computing the trial again makes it again
};
std::string_view artifactStateName(ArtifactState state); ///< "kept", ...
std::optional<ArtifactState> artifactStateFromName(std::string_view name);

struct StoredArtifact
{
    ArtifactRecord artifact; ///< with the role it has for its first trial
    ArtifactState state = ArtifactState::Kept;
    std::string recordedUtc;
    std::vector<TrialId> trials; ///< that have it
};

/// The folder of a project's kept artifacts, NAME.pscope.artifacts.
std::filesystem::path artifactFolderOf(const std::filesystem::path& project);

struct ArtifactChange
{
    std::int64_t changed = 0;
    std::int64_t unchanged = 0; ///< in this state before, or dropped, which only computing undoes
    Bytes bytes;                ///< of the changed ones
};

/// Brings the artifacts with these hashes into a state: dropping deletes the content, embedding moves it into the
/// project, keeping moves it out again. First the project says so, then a file goes: a kill in between leaves a file
/// that `collectArtifacts` takes. Errors: those of opening the project for writing; NotFound; Io; Corrupt (the content
/// is missing or damaged; nothing is changed).
Result<ArtifactChange> moveArtifacts(const std::filesystem::path& project, std::span<const std::string> hashes,
                                     ArtifactState to);

struct ArtifactCollection
{
    std::int64_t files = 0;   ///< deleted: no trial has them, or their content is embedded or was dropped
    std::int64_t missing = 0; ///< were said to be kept and are not there: dropped now
    Bytes bytes;              ///< of the deleted files
};

/// Deletes what nothing refers to. Takes the writer's lock, so that no sweep is just making one; files whose names are
/// no hash or no unfinished artifact are left alone. Errors: those of opening the project for writing.
Result<ArtifactCollection> collectArtifacts(const std::filesystem::path& project);

struct ArtifactGathering
{
    std::int64_t files = 0;   ///< that `target` has now
    std::int64_t missing = 0; ///< neither it nor a source has: dropped now
};

/// After a merge or a copy: brings the kept files that `target` knows of and lacks from beside the sources (projects or
/// shards), without doubling them on the disk where the file system allows it. Sound content only.
/// Errors: those of opening the target for writing; Io.
Result<ArtifactGathering> gatherArtifacts(std::span<const std::filesystem::path> sources,
                                          const std::filesystem::path& target);

} // namespace paretoscope::core
