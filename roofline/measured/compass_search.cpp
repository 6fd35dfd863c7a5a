// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/compass_search.h"

#include <algorithm>

namespace paretoscope::roofline {

std::vector<double> compassSearch(const std::vector<SearchedValue>& start,
                                  const std::function<double(const std::vector<double>&)>& function)
{
    constexpr int kMostRounds = 400;
    constexpr double kSmallestStep = 1.0 / (1 << 14); // of the first step
    std::vector<double> values;
    for (const SearchedValue& searched : start)
        values.push_back(searched.value);
    double least = function(values);
    double scale = 1;
    for (int round = 0; round < kMostRounds && scale > kSmallestStep; ++round) {
        bool isBetter = false;
        for (std::size_t i = 0; i < values.size(); ++i) {
            for (const double direction : {1.0, -1.0}) {
                std::vector<double> tried = values;
                tried[i] = std::clamp(values[i] + direction * scale * start[i].step, start[i].least, start[i].most);
                const double value = tried[i] == values[i] ? least : function(tried);
                if (value < least) {
                    least = value;
                    values = std::move(tried);
                    isBetter = true;
                    break;
                }
            }
        }
        if (!isBetter)
            scale /= 2;
    }
    return values;
}

} // namespace paretoscope::roofline
