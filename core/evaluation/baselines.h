// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace paretoscope::core {

/// The empty pipeline: the uncompressed model.
bool isBaseline(const TrialRecord& trial);

/// For each trial the index of the first finished baseline of the same model, which may be the trial itself; nothing
/// where there is none. Models are the same when name and, where both trials know it, digest are.
std::vector<std::optional<std::size_t>> baselinesOf(std::span<const TrialRecord> trials);

} // namespace paretoscope::core
