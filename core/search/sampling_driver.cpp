// SPDX-License-Identifier: Apache-2.0
#include "core/search/sampling_driver.h"

#include "core/search/random_source.h"
#include "core/search/sobol_sequence.h"

#include <set>
#include <utility>

namespace paretoscope::core {

namespace {
constexpr int kMaxVainDraws = 10'000;
} // namespace

std::vector<SearchPoint> distinctPoints(const SearchSpace& space, std::size_t count,
                                        const std::function<SearchPoint()>& draw)
{
    std::vector<SearchPoint> points;
    std::set<SearchPoint> seen;
    for (int vain = 0; points.size() < count && vain < kMaxVainDraws;) {
        SearchPoint point = space.normalised(draw());
        if (!seen.insert(point).second) {
            ++vain;
            continue;
        }
        vain = 0;
        points.push_back(std::move(point));
    }
    return points;
}

std::vector<SearchPoint> randomPoints(const SearchSpace& space, std::size_t count, std::uint64_t seed)
{
    RandomSource random(seed);
    return distinctPoints(space, count, [&] {
        SearchPoint point(space.dimensions().size());
        for (double& coordinate : point)
            coordinate = random.uniform();
        return point;
    });
}

std::vector<SearchPoint> sobolPoints(const SearchSpace& space, std::size_t count, std::uint64_t seed)
{
    SobolSequence sequence(space.dimensions().size(), seed);
    return distinctPoints(space, count, [&] { return sequence.next(); });
}

std::vector<SearchCandidate> SamplingDriver::ask()
{
    std::vector<SearchCandidate> batch;
    for (SearchPoint& point : std::exchange(m_points, {}))
        batch.push_back({std::move(point)});
    return batch;
}

} // namespace paretoscope::core
