// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/artifact/artifacts.h"
#include "core/project/database.h"

#include <optional>
#include <vector>

namespace paretoscope::core {

// Tables artifact and trial_artifact.

/// What a run of the trial made; its files lie in the project's folder. One that was dropped before is kept again.
Status recordArtifacts(Database& database, std::int64_t trialRow, const std::vector<ArtifactRecord>& artifacts);
/// In order of recording; trials in the bin count, for they can be taken out again.
Result<std::vector<StoredArtifact>> readArtifacts(Database& database);
/// The row; nothing when the project has no such artifact.
Result<std::optional<std::int64_t>> artifactRowOf(Database& database, std::string_view sha256);
Status setArtifactState(Database& database, std::int64_t row, ArtifactState state);
/// Artifacts that no trial has. @return how many there were
Result<std::int64_t> deleteUnusedArtifacts(Database& database);

} // namespace paretoscope::core
