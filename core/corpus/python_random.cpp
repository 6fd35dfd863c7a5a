// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/python_random.h"

#include "core/base/assert.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

namespace paretoscope::core {

PythonRandom::PythonRandom(std::uint64_t seed)
{
    // The key: the seed's 32-bit words, least significant first, without leading zeros, but at least one.
    const std::array<std::uint32_t, 2> words {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
    const std::span<const std::uint32_t> key(words.data(), words[1] != 0 ? 2U : 1U);
    seedByWord(19650218U);
    std::size_t i = 1;
    std::size_t j = 0;
    const auto mixed = [&] { return m_state[i - 1] ^ (m_state[i - 1] >> 30); };
    const auto advance = [&] {
        if (++i >= kWords) {
            m_state[0] = m_state[kWords - 1];
            i = 1;
        }
    };
    for (std::size_t k = std::max(kWords, key.size()); k > 0; --k) {
        m_state[i] = (m_state[i] ^ (mixed() * 1664525U)) + key[j] + static_cast<std::uint32_t>(j);
        j = (j + 1) % key.size();
        advance();
    }
    for (std::size_t k = kWords - 1; k > 0; --k) {
        m_state[i] = (m_state[i] ^ (mixed() * 1566083941U)) - static_cast<std::uint32_t>(i);
        advance();
    }
    m_state[0] = 0x80000000U;
}

void PythonRandom::seedByWord(std::uint32_t seed)
{
    m_state[0] = seed;
    for (std::size_t i = 1; i < kWords; ++i)
        m_state[i] = 1812433253U * (m_state[i - 1] ^ (m_state[i - 1] >> 30)) + static_cast<std::uint32_t>(i);
}

void PythonRandom::refill()
{
    constexpr std::size_t kShift = 397;
    for (std::size_t i = 0; i < kWords; ++i) {
        const std::uint32_t word = (m_state[i] & 0x80000000U) | (m_state[(i + 1) % kWords] & 0x7fffffffU);
        m_state[i] = m_state[(i + kShift) % kWords] ^ (word >> 1) ^ ((word & 1U) != 0 ? 0x9908b0dfU : 0U);
    }
    m_next = 0;
}

std::uint32_t PythonRandom::next32()
{
    if (m_next >= kWords)
        refill();
    std::uint32_t word = m_state[m_next++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680U;
    word ^= (word << 15) & 0xefc60000U;
    return word ^ (word >> 18);
}

std::int64_t PythonRandom::randint(std::int64_t least, std::int64_t most)
{
    PSC_ASSERT(most >= least && most - least < std::numeric_limits<std::uint32_t>::max(),
               "randint needs 1..2^32-1 values");
    const auto count = static_cast<std::uint32_t>(most - least + 1);
    const int unusedBits = std::countl_zero(count);
    std::uint32_t drawn = next32() >> unusedBits;
    while (drawn >= count)
        drawn = next32() >> unusedBits;
    return least + drawn;
}

} // namespace paretoscope::core
