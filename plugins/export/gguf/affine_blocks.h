// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/element_type.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <cstddef>
#include <vector>

namespace paretoscope::gguf {

/// A weight of affine codes cut into blocks of 32 along its rows, each with one scale: how GGUF stores weights (specs
/// formats 7.3). A group of more weights gives several blocks with the same scale.
class AffineBlocks
{
public:
    static constexpr std::int64_t kBlock = 32;

    /// Errors: Unsupported with the reason (groups that are no multiple of 32 weights, columns in another order, scales
    /// that are no float16 numbers); the caller names the layer.
    static core::Result<AffineBlocks> of(const engine::GroupAffineTensor& weight);

    /// Whether blocks of this type (Q4_0, Q4_1 or Q8_0) give back every value of the weight bit for bit.
    /// @param roundsMinimum  the minimum of Q4_1, -scale * zero, may be rounded to float16
    bool fit(core::ElementType type, bool roundsMinimum) const;
    /// The blocks of all rows. @param rowOrder  int64 [out]: the row that stands at each place; undefined: as they are
    std::vector<std::byte> encode(core::ElementType type, const at::Tensor& rowOrder) const;

private:
    at::Tensor m_offsets; ///< int16 [out, in]: code - zero, 0 where pruned
    at::Tensor m_scales;  ///< float32 [out, in / 32]
    at::Tensor m_zeros;   ///< float32 [out, in / 32]
    int m_bits = 0;
};

} // namespace paretoscope::gguf
