// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/migrations.h"

#include <chrono>
#include <optional>
#include <span>

namespace paretoscope::core {

/// What a store takes from its surroundings; tests replace parts of it.
struct StoreEnvironment
{
    std::span<const Migration> steps = migrations();
    std::optional<bool> networkFileSystem = std::nullopt; ///< empty = ask the file system
    std::chrono::milliseconds patience {10'000};          ///< how long other programs' locks are waited for
    std::chrono::milliseconds fileTimeTick {20}; ///< two writes within it may leave equal file times and look like one
};

} // namespace paretoscope::core
