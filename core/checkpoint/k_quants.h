// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace paretoscope::core {

// The "K" block types of ggml: 256 elements in 16 or 8 sub-blocks with small integer scales under one or two half-
// precision super-scales. Each function decodes one block of 256 elements.
void dequantizeQ2K(const std::byte* block, float* out);
void dequantizeQ3K(const std::byte* block, float* out);
void dequantizeQ4K(const std::byte* block, float* out);
void dequantizeQ5K(const std::byte* block, float* out);
void dequantizeQ6K(const std::byte* block, float* out);

} // namespace paretoscope::core
