// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/project_store.h"

#include <span>

namespace paretoscope::core {

/// Writes a new project that holds only `trials` of `project`, with all that belongs to them, as one step. A file that
/// is there is replaced. Kept artifacts come along (gatherArtifacts).
/// Errors: NotFound (a trial, the folder); Io; Busy (the target is in use).
Status exportSubset(const ProjectStore& project, std::span<const TrialId> trials, const std::filesystem::path& target);

/// The same with all of them: ProjectStore::copyTo, and the kept artifacts.
Status copyProject(const ProjectStore& project, const std::filesystem::path& target);

} // namespace paretoscope::core
