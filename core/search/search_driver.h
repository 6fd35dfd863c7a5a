// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_space.h"

#include <optional>
#include <span>
#include <vector>

namespace paretoscope::core {

/// A point that is to be measured.
struct SearchCandidate
{
    SearchPoint point; ///< normalised
    int rung = 0;      ///< of successive halving: how thoroughly, from 0; else 0
};

/// What came of a candidate.
struct SearchResult
{
    std::optional<std::vector<double>> objectives; ///< all to be minimised; nothing: it failed
    double violation = 0;                          ///< of all constraints together; 0: feasible
};

/// Proposes what is measured next. The same answers bring the same questions, so a search is resumed by telling a new
/// driver what was measured, and nothing depends on how many measure at the same time or who is ready first.
class SearchDriver
{
public:
    virtual ~SearchDriver() = default;

    /// The next batch; none of it is there twice. Empty: the search is over.
    virtual std::vector<SearchCandidate> ask() = 0;
    /// The results of the last batch, in its order. Comes once after every batch that was not empty.
    virtual void tell(std::span<const SearchResult> results) = 0;
};

} // namespace paretoscope::core
