// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace paretoscope::engine {

// Loops that show what one core of this processor can do, with the widest vectors it has (AVX-512, AVX2, or what the
// compiler makes of plain C++). Each returns something that depends on all its work, so that none of it is left out.

/// Adds up `count` floats, `repetitions` times over. @param count a multiple of kReadStep
float readRepeatedly(const float* data, std::size_t count, std::int64_t repetitions);
inline constexpr std::size_t kReadStep = 128;

/// The same sum, of elements that went through x = x * a + b `multiplyAdds` times after they were read: the more of
/// them, the less the memory matters. FLOPs per element: 2 · multiplyAdds + 1.
float readMultiplyAdd(const float* data, std::size_t count, std::int64_t repetitions, int multiplyAdds);

/// x = x * a + b in independent chains, all in registers, `iterations` times.
float multiplyAdd(std::int64_t iterations);
/// FLOPs of one iteration of multiplyAdd(); a multiply-add is two.
double multiplyAddFlops();

} // namespace paretoscope::engine
