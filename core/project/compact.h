// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>

namespace paretoscope::core {

struct CompactReport
{
    std::int64_t bytesBefore = 0;
    std::int64_t bytesAfter = 0;
};

/// Rewrites a project without the space of what was deleted, as one step: a new file beside it, synced, then renamed.
/// Errors: Busy (it is being written); Io (no room for the second file); those of ProjectStore::open. The project is
/// then as it was.
Result<CompactReport> compactProject(const std::filesystem::path& project);

} // namespace paretoscope::core
