// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace paretoscope::core {

/// Random numbers that are the same on every machine: the standard fixes the engine, not its distributions.
class RandomSource
{
public:
    explicit RandomSource(std::uint64_t seed)
        : m_engine(seed)
    {}

    std::uint64_t bits() { return m_engine(); }
    /// In [0, 1), a multiple of 2^-53.
    double uniform() { return static_cast<double>(m_engine() >> 11) * 0x1p-53; }
    bool chance(double probability) { return uniform() < probability; }
    /// From 0 to count - 1; count is above 0 and far below 2^53.
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(uniform() * static_cast<double>(count)); }

private:
    std::mt19937_64 m_engine;
};

} // namespace paretoscope::core
