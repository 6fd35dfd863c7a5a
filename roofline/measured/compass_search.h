// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

namespace paretoscope::roofline {

/// A value that is searched, within its bounds.
struct SearchedValue
{
    double value = 0;
    double least = 0;
    double most = 0;
    double step = 0; ///< the first one
};

/// Minimises a function without derivatives, by steps along each axis that halve where none helps (Kolda, Lewis,
/// Torczon, SIAM Review 45, 2003). Finds a local minimum; deterministic. @return the values
std::vector<double> compassSearch(const std::vector<SearchedValue>& start,
                                  const std::function<double(const std::vector<double>&)>& function);

} // namespace paretoscope::roofline
