// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// model.safetensors.index.json: which shard holds which tensor.
struct SafetensorsIndex
{
    std::map<std::string, std::string> shardOf; ///< by tensor name
    std::vector<std::string> shards;            ///< sorted, each once; plain file names
    std::optional<std::int64_t> totalBytes;     ///< metadata.total_size, when it is a plain integer
};

/// Errors: NotFound, Io; Corrupt (no JSON of that form; a shard name with a path in it, or that is not *.safetensors).
Result<SafetensorsIndex> readSafetensorsIndex(const std::filesystem::path& file);

/// Whether `file`, a name inside `folder`, stays there when links are followed. The local Hugging Face cache keeps its
/// files in `blobs` beside `snapshots`: links from a snapshot into the same repository's folder are inside.
bool staysInFolder(const std::filesystem::path& folder, const std::filesystem::path& file);

} // namespace paretoscope::core
