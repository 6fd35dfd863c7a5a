// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::core {

struct ShareReport
{
    std::int64_t bytes = 0;             ///< of the copy
    std::int64_t cells = 0;             ///< texts that were changed
    std::vector<std::string> names;     ///< of hosts and users that were replaced
    std::int64_t artifactsEmbedded = 0; ///< their contents are in the copy
    std::int64_t artifactsLeftOut = 0;
};

/// Writes a copy of a project to hand on: one file, without what tells of machines and persons (`Redactor`) and without
/// the space that deleted rows leave, in which old text would still stand. Complete or not at all; the project is only
/// read, also while a sweep writes it. A file that is there is replaced.
/// @param withArtifacts puts the kept artifacts into the file; else they are left out and marked as dropped
/// Errors: those of ProjectStore::copyTo; Corrupt (a kept artifact is missing or changed).
Result<ShareReport> shareProject(const std::filesystem::path& project, const std::filesystem::path& copy,
                                 bool withArtifacts);

} // namespace paretoscope::core
