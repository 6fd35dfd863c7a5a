// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// One prepared option of one unit (bits = 3, rank = 640, dropped, ...).
struct Level
{
    std::string id;
    std::vector<double> cost; ///< additive over units; one entry per budget (bytes, seconds, ...)
    double error = 0;         ///< the proxy that LevelTable::proxy names; additive by assumption
};

struct LevelUnit
{
    std::string id;
    std::string group;
    std::int64_t weights = 0;
    std::vector<Level> levels;
};

/// What every allocator and unit-level search works on, whatever method made the levels.
struct LevelTable
{
    std::string proxy;              ///< "output_error", "kl_single", ...
    std::vector<std::string> costs; ///< names of the cost entries
    std::vector<LevelUnit> units;
};

/// Chooses one level per unit under budgets (knapsack, ILP).
class Allocator
{
public:
    virtual ~Allocator() = default;
    /// @return index of the chosen level for every unit. Errors: InvalidArgument (no feasible choice; the shortfall).
    virtual core::Result<std::vector<int>> allocate(const LevelTable& table,
                                                    const std::vector<double>& budgets) const = 0;
};

} // namespace paretoscope::engine
