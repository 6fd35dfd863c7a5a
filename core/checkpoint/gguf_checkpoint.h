// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_split.h"

#include <filesystem>
#include <memory>

namespace paretoscope::core {

/// Opens a GGUF model: one file, or all parts of a split one when `file` is any of "NAME-00001-of-00003.gguf".
/// Tensors carry their Hugging Face names, stacked experts are told apart, the rotary permutation of q and k is undone
/// on reading. A tensor without a Hugging Face name keeps its own (and is mentioned in `warnings()`).
/// Errors: NotFound (a missing part), Io, Corrupt, Unsupported (a tensor type that cannot be read; names it).
Result<std::unique_ptr<Checkpoint>> openGgufCheckpoint(const std::filesystem::path& file);

/// The same for parts that are open already. Errors: NotFound, Corrupt, Unsupported.
Result<std::unique_ptr<Checkpoint>> ggufCheckpoint(GgufParts parts);

} // namespace paretoscope::core
