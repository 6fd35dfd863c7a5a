// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::engine {

/// 32-bit words that `count` numbers of `bits` bits fill, one after the other.
constexpr std::int64_t wordsFor(std::int64_t count, int bits)
{
    return (count * bits + 31) / 32;
}

/// A dense little-endian stream over all elements in row order: the least significant bit of a number comes first, the
/// last word is padded with zeros.
/// @param values uint8 or int32, on any device, each below 2^bits; @param bits 1..31. @return int32 [wordsFor(n, bits)]
/// on the host
at::Tensor packStream(const at::Tensor& values, int bits);

/// The inverse. @param words int32 [at least wordsFor(count, bits)] on the host. @return int32 [count]
at::Tensor unpackStream(const at::Tensor& words, std::int64_t count, int bits);

} // namespace paretoscope::engine
