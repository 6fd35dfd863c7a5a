// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.h"

#include <filesystem>

namespace paretoscope::core {

/// Why a folder without model.safetensors and without an index is no model: what lies there instead, and the remedy.
Error missingWeights(const std::filesystem::path& folder);

} // namespace paretoscope::core
