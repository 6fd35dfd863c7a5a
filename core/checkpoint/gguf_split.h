// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/gguf_file.h"

#include <filesystem>
#include <vector>

namespace paretoscope::core {

struct GgufParts
{
    std::vector<GgufFile> files; ///< in order; the first has the metadata of the model
    std::vector<std::filesystem::path> paths;
};

/// Opens a GGUF file and, when it is one part of a split model ("NAME-00001-of-00003.gguf"), all its siblings.
/// Errors: those of GgufFile::open; NotFound (an absent part, named), Corrupt (parts that do not belong together).
Result<GgufParts> openGgufParts(const std::filesystem::path& file);

} // namespace paretoscope::core
