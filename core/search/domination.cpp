// SPDX-License-Identifier: Apache-2.0
#include "core/search/domination.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace paretoscope::core {

bool dominates(const SearchResult& a, const SearchResult& b)
{
    if (!a.objectives || !b.objectives)
        return a.objectives.has_value() && !b.objectives.has_value();
    if (a.violation > 0 || b.violation > 0)
        return a.violation < b.violation;
    bool isBetter = false;
    for (std::size_t i = 0; i < a.objectives->size(); ++i) {
        if ((*a.objectives)[i] > (*b.objectives)[i])
            return false;
        isBetter = isBetter || (*a.objectives)[i] < (*b.objectives)[i];
    }
    return isBetter;
}

std::vector<int> ranksOf(std::span<const SearchResult> results)
{
    const std::size_t count = results.size();
    std::vector<std::vector<std::size_t>> beaten(count);
    std::vector<int> beatenBy(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < count; ++j) {
            if (i == j || !dominates(results[i], results[j]))
                continue;
            beaten[i].push_back(j);
            ++beatenBy[j];
        }
    }
    std::vector<int> ranks(count, 0);
    std::vector<std::size_t> front;
    for (std::size_t i = 0; i < count; ++i) {
        if (beatenBy[i] == 0)
            front.push_back(i);
    }
    for (int rank = 0; !front.empty(); ++rank) {
        std::vector<std::size_t> next;
        for (const std::size_t i : front) {
            ranks[i] = rank;
            for (const std::size_t j : beaten[i]) {
                if (--beatenBy[j] == 0)
                    next.push_back(j);
            }
        }
        front = std::move(next);
    }
    return ranks;
}

std::vector<double> crowdingOf(std::span<const SearchResult> results, std::span<const int> ranks)
{
    std::vector<double> crowding(results.size(), 0);
    std::map<int, std::vector<std::size_t>> fronts;
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (results[i].objectives)
            fronts[ranks[i]].push_back(i);
    }
    for (auto& [rank, front] : fronts) {
        for (std::size_t m = 0; m < results[front[0]].objectives->size(); ++m) {
            const auto value = [&](std::size_t i) { return (*results[i].objectives)[m]; };
            std::stable_sort(front.begin(), front.end(),
                             [&](std::size_t a, std::size_t b) { return value(a) < value(b); });
            const double range = value(front.back()) - value(front.front());
            crowding[front.front()] = crowding[front.back()] = std::numeric_limits<double>::infinity();
            for (std::size_t k = 1; range > 0 && k + 1 < front.size(); ++k)
                crowding[front[k]] += (value(front[k + 1]) - value(front[k - 1])) / range;
        }
    }
    return crowding;
}

std::vector<std::size_t> orderByMerit(std::span<const SearchResult> results)
{
    const std::vector<int> ranks = ranksOf(results);
    const std::vector<double> crowding = crowdingOf(results, ranks);
    std::vector<std::size_t> order(results.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return ranks[a] != ranks[b] ? ranks[a] < ranks[b] : crowding[a] > crowding[b];
    });
    return order;
}

} // namespace paretoscope::core
