// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_space.h"

#include <array>
#include <cstdint>
#include <vector>

namespace paretoscope::core {

/// The Sobol sequence: any 2^k points of it from a multiple of 2^k on fill every coordinate evenly, and few leave gaps
/// in several coordinates together. Every coordinate is shifted by a digital shift (exclusive or with random bits),
/// which keeps that and makes the sequence depend on a seed. Source: Sobol (1967) in the Gray-code order of Antonov and
/// Saleev (1979); direction numbers of S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
/// projections", SIAM J. Sci. Comput. 30 (2008).
class SobolSequence
{
public:
    static constexpr std::size_t kMaxDimensions = 40;

    /// @param dimensions  at most kMaxDimensions
    SobolSequence(std::size_t dimensions, std::uint64_t seed);
    /// Without the shift: begins with the corner 0.
    explicit SobolSequence(std::size_t dimensions);

    /// In [0, 1), multiples of 2^-32; the first 2^32 points differ.
    SearchPoint next();

private:
    static constexpr int kBits = 32;

    std::vector<std::array<std::uint32_t, kBits>> m_directions;
    std::vector<std::uint32_t> m_shifts;
    std::vector<std::uint32_t> m_state;
    std::uint64_t m_index = 0;
};

} // namespace paretoscope::core
