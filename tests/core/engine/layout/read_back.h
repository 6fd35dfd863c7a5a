// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/tensor_layouts.h"

namespace paretoscope::tests {

/// The tensor that a reader makes of what this one stores; the description goes through its text, as on disk.
inline engine::ReadTensor readBack(const engine::CompressedTensor& tensor)
{
    return engine::TensorLayouts::builtIn()->read(tensor.layout(), core::Json::parse(tensor.description().dump()),
                                                  tensor.serialise());
}

/// Sum of the parts' sizes as told, and as they really are.
inline std::int64_t toldBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}
inline std::int64_t realBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const auto& [name, part] : tensor.serialise())
        bits += static_cast<std::int64_t>(part.nbytes()) * 8;
    return bits;
}

} // namespace paretoscope::tests
