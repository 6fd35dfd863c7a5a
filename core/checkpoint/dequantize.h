// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/element_type.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace paretoscope::core {

/// Converts stored elements to float32, exactly: a block type gives scale*(q-z) (or scale*q-minimum) with one rounding
/// per operation, never a fused multiply-add; a 64-bit float is rounded to nearest.
/// `stored` needs no alignment; its size must be storedBytes(type, out.size()) and the type readable as float32.
/// Source of the block layouts: ggml (ggml-common.h, ggml-quants.c).
void dequantize(ElementType type, std::span<const std::byte> stored, std::span<float> out);

/// What a message about reading a tensor says.
struct StoredTensor
{
    std::string_view source; ///< the file
    std::string_view name;
    ElementType type;
    std::span<const std::byte> data;
};

/// Whether the tensor can be read into `room` floats.
/// Errors: Unsupported (integers, complex numbers), InvalidArgument (`room` is not its element count).
Status checkDequantizable(const StoredTensor& tensor, std::size_t room);

/// `dequantize` with these checks.
Status dequantizeTensor(const StoredTensor& tensor, std::span<float> out);

} // namespace paretoscope::core
