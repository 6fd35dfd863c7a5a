// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/artifact/artifacts.h"
#include "core/project/database.h"
#include "core/project/verify.h"

#include <filesystem>

namespace paretoscope::core {

/// Empty when the artifact in row `id` is there and has its size and hash; else what is wrong, as a sentence.
/// @param state "kept" (in `folder`, under its hash), "embedded" (in artifact_chunk) or "dropped"
std::string wrongArtifact(Database& database, std::int64_t id, const std::string& sha256, std::int64_t bytes,
                          const std::string& state, const std::filesystem::path& folder);

/// Kept and embedded artifacts against their size and hash, and files in the folder that no artifact has.
void checkArtifacts(Database& database, const std::filesystem::path& project, VerifyReport& report);

} // namespace paretoscope::core
