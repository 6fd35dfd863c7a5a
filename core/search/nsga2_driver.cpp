// SPDX-License-Identifier: Apache-2.0
#include "core/search/nsga2_driver.h"

#include "core/base/assert.h"
#include "core/search/domination.h"

#include <algorithm>

namespace paretoscope::core {

namespace {
/// Pairs that bring nothing new in a row, until a generation is content with what it has.
constexpr int kMaxVainPairs = 1000;
} // namespace

Nsga2Driver::Nsga2Driver(SearchSpace space, const Settings& settings, std::uint64_t seed)
    : m_space(std::move(space))
    , m_settings(settings)
    , m_random(seed)
{}

std::vector<SearchCandidate> Nsga2Driver::ask()
{
    m_children.clear();
    if (m_generation++ < m_settings.generations)
        breed();
    std::vector<SearchCandidate> batch;
    for (const SearchPoint& genes : m_children)
        batch.push_back({m_space.normalised(genes)});
    return batch;
}

/// Children of the parents; where those have no new ones any more, random points.
void Nsga2Driver::breed()
{
    const std::size_t length = m_space.dimensions().size();
    const auto draw = [&] {
        SearchPoint point(length);
        std::generate(point.begin(), point.end(), [&] { return m_random.uniform(); });
        return point;
    };
    for (const bool isRandom : {m_parents.empty(), true}) {
        for (int vain = 0; m_children.size() < m_settings.population && vain < kMaxVainPairs;) {
            SearchPoint first = isRandom ? draw() : m_parents[tournament()].genes;
            SearchPoint second = isRandom ? draw() : m_parents[tournament()].genes;
            if (!isRandom) {
                cross(first, second, m_space, m_settings.variation, m_random);
                mutate(first, m_space, m_settings.variation, m_random);
                mutate(second, m_space, m_settings.variation, m_random);
            }
            const bool anyNew = propose(std::move(first)) | propose(std::move(second)); // both
            vain = anyNew ? 0 : vain + 1;
        }
    }
}

/// @return whether it is new
bool Nsga2Driver::propose(SearchPoint genes)
{
    if (m_children.size() == m_settings.population || !m_asked.insert(m_space.normalised(genes)).second)
        return false;
    m_children.push_back(std::move(genes));
    return true;
}

/// The better one of two: by rank, then the lonelier one, then either.
std::size_t Nsga2Driver::tournament()
{
    const std::size_t a = m_random.below(m_parents.size());
    const std::size_t b = m_random.below(m_parents.size());
    if (m_ranks[a] != m_ranks[b])
        return m_ranks[a] < m_ranks[b] ? a : b;
    if (m_crowding[a] != m_crowding[b])
        return m_crowding[a] > m_crowding[b] ? a : b;
    return m_random.chance(0.5) ? a : b;
}

void Nsga2Driver::tell(std::span<const SearchResult> results)
{
    PSC_ASSERT(results.size() == m_children.size(), "a result for every candidate of the batch");
    std::vector<Member> everyone = std::move(m_parents);
    for (std::size_t i = 0; i < results.size(); ++i)
        everyone.push_back({std::move(m_children[i]), results[i]});
    const auto resultsOf = [](const std::vector<Member>& members) {
        std::vector<SearchResult> all;
        for (const Member& member : members)
            all.push_back(member.result);
        return all;
    };
    std::vector<std::size_t> order = orderByMerit(resultsOf(everyone));
    order.resize(std::min(order.size(), m_settings.population));
    m_parents.clear();
    for (const std::size_t i : order)
        m_parents.push_back(std::move(everyone[i]));
    const std::vector<SearchResult> survivors = resultsOf(m_parents);
    m_ranks = ranksOf(survivors);
    m_crowding = crowdingOf(survivors, m_ranks);
    m_children.clear();
}

} // namespace paretoscope::core
