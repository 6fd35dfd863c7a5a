// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/plugin/allocator.h"

#include <vector>

namespace paretoscope::engine {

/// A unit-level search (EvoPress, N2N): proposes assignments of levels to the units of one resident model, is told how
/// they measured. Trial-level search (NSGA-II over pipelines) is the coordinator's and never comes here.
class Search
{
public:
    virtual ~Search() = default;
    virtual core::Status start(const LevelTable& table, const std::vector<double>& budgets, std::uint64_t seed) = 0;
    /// Assignments to measure next, and on how many tokens; empty when the search is over.
    struct Question
    {
        std::vector<std::vector<int>> assignments;
        std::int64_t tokens = 0;
    };
    virtual Question ask() = 0;
    virtual void tell(const std::vector<double>& losses) = 0;
    virtual std::vector<int> best() const = 0;
    virtual core::Json state() const = 0; ///< everything needed to resume
    virtual core::Status resume(const core::Json& state) = 0;
};

} // namespace paretoscope::engine
