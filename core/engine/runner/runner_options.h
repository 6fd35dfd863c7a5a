// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::engine {

struct RunnerOptions
{
    int threads = 1;                    ///< intra-op; fixed for the life of the process
    std::string device = "cpu";         ///< or "cuda:0"
    std::string arithmetic = "float32"; ///< or "tf32", "bfloat16": in which blocks are evaluated (Arithmetic)
    std::optional<core::Bytes> memoryBudget;
    std::filesystem::path cacheFolder;     ///< empty: no cache on disk
    std::optional<core::Bytes> cacheLimit; ///< of that folder; nothing: as ArtifactCache chooses
    std::vector<std::filesystem::path> pluginFolders;
    std::filesystem::path architectures; ///< folder of the family files
    bool allowsCommands = false;         ///< stages may run programs of others: the user said so for this run
};

} // namespace paretoscope::engine
