// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace paretoscope::core {

/// CPython's `random.Random(seed)`: MT19937 seeded by init_by_array, so that published calibration samples can be drawn
/// again. Source: specs of CPython's random module (Matsumoto and Nishimura, 1998, for the generator).
class PythonRandom
{
public:
    explicit PythonRandom(std::uint64_t seed);

    std::uint32_t next32();
    /// `random.randint(least, most)`: uniform, both ends included; most - least + 1 must be below 2^32.
    std::int64_t randint(std::int64_t least, std::int64_t most);

private:
    static constexpr std::size_t kWords = 624;

    void seedByWord(std::uint32_t seed);
    void refill();

    std::array<std::uint32_t, kWords> m_state {};
    std::size_t m_next = kWords;
};

} // namespace paretoscope::core
