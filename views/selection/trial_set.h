// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/sweep/trial_id.h"

#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace paretoscope::views {

/// A trial's id is a SHA-256 digest already: its first bytes are as good a hash as any.
struct TrialIdHash
{
    std::size_t operator()(const core::TrialId& id) const
    {
        std::size_t hash = 0;
        std::memcpy(&hash, id.digest.bytes.data(), sizeof hash);
        return hash;
    }
};

using TrialSet = std::unordered_set<core::TrialId, TrialIdHash>;
template <typename T>
using TrialMap = std::unordered_map<core::TrialId, T, TrialIdHash>;

} // namespace paretoscope::views
