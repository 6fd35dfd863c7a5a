// SPDX-License-Identifier: Apache-2.0
#include "core/search/sobol_sequence.h"

#include "core/base/assert.h"
#include "core/search/random_source.h"

#include <bit>

namespace paretoscope::core {

namespace {

/// Of one dimension: a primitive polynomial over GF(2) and the first direction numbers, from which the rest follows.
struct Direction
{
    int degree = 0;
    std::uint32_t coefficients = 0; ///< those between the first and the last, which are 1
    std::array<std::uint32_t, 8> initial {};
};

/// Dimensions 2 to 40 of "new-joe-kuo-6.21201" (Joe and Kuo 2008); dimension 1 is van der Corput's sequence.
constexpr std::array<Direction, SobolSequence::kMaxDimensions - 1> kDirections {{
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
    {7, 50, {1, 3, 1, 3, 5, 53, 69}},
    {7, 55, {1, 1, 5, 5, 23, 33, 13}},
    {7, 56, {1, 1, 7, 7, 1, 61, 123}},
    {7, 59, {1, 1, 7, 9, 13, 61, 49}},
    {7, 62, {1, 3, 3, 5, 3, 55, 33}},
    {8, 14, {1, 3, 1, 15, 31, 13, 49, 245}},
    {8, 21, {1, 3, 5, 15, 31, 59, 63, 97}},
    {8, 22, {1, 3, 1, 11, 11, 11, 77, 249}},
}};

} // namespace

SobolSequence::SobolSequence(std::size_t dimensions)
    : m_directions(dimensions)
    , m_shifts(dimensions, 0)
    , m_state(dimensions, 0)
{
    PSC_ASSERT(dimensions <= kMaxDimensions, "the table has direction numbers for 40 dimensions");
    for (std::size_t dimension = 0; dimension < dimensions; ++dimension) {
        auto& directions = m_directions[dimension];
        const Direction first = dimension == 0 ? Direction {} : kDirections[dimension - 1];
        for (int bit = 0; bit < kBits; ++bit) {
            auto& value = directions[std::size_t(bit)];
            if (dimension == 0 || bit < first.degree) {
                const std::uint32_t initial = dimension == 0 ? 1 : first.initial[std::size_t(bit)];
                value = initial << (kBits - 1 - bit);
                continue;
            }
            const std::uint32_t before = directions[std::size_t(bit - first.degree)];
            value = before ^ (before >> first.degree);
            for (int i = 1; i < first.degree; ++i) {
                if ((first.coefficients >> (first.degree - 1 - i)) & 1)
                    value ^= directions[std::size_t(bit - i)];
            }
        }
    }
}

SobolSequence::SobolSequence(std::size_t dimensions, std::uint64_t seed)
    : SobolSequence(dimensions)
{
    RandomSource random(seed);
    for (std::uint32_t& shift : m_shifts)
        shift = static_cast<std::uint32_t>(random.bits() >> 32);
}

SearchPoint SobolSequence::next()
{
    SearchPoint point(m_state.size());
    for (std::size_t i = 0; i < point.size(); ++i)
        point[i] = static_cast<double>(m_state[i] ^ m_shifts[i]) * 0x1p-32;
    // To the next index in Gray code: one bit changes.
    const int bit = std::countr_one(m_index++) % kBits;
    for (std::size_t i = 0; i < m_state.size(); ++i)
        m_state[i] ^= m_directions[i][std::size_t(bit)];
    return point;
}

} // namespace paretoscope::core
