// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/checkpoint.h"

#include <filesystem>
#include <memory>

namespace paretoscope::core {

/// Opens a Hugging Face model folder: config.json with model.safetensors, or with the shards that
/// model.safetensors.index.json names (the index wins when both are there).
/// Errors: NotFound (no weights, no config.json, an absent shard), Io, Corrupt, Unsupported (pickles, GGUF inside).
Result<std::unique_ptr<Checkpoint>> openHuggingFaceFolder(const std::filesystem::path& folder);

} // namespace paretoscope::core
