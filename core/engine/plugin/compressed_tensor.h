// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "core/engine/aten.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// One tensor of the packed form, exactly as a reader would need it.
struct StoredPart
{
    std::string name; ///< "codes", "scales", "zero_points", "indices", "codebook", "adapter_a", ...
    core::Bits bits;  ///< padding included
    /// Parts with equal non-null storage are one piece of memory and count once (shared codebooks, tied weights).
    const void* storage = nullptr;
};

/// A weight in compressed form. Immutable; may be used by several threads at once. Composable: a sum of a quantised
/// and a low-rank part is a CompressedTensor that holds two.
class CompressedTensor
{
public:
    virtual ~CompressedTensor() = default;

    /// float32, the shape of the weight it stands for. Deterministic.
    virtual at::Tensor dequantize() const = 0;
    /// x [tokens, in] to x Ŵᵀ [tokens, out] where a faster way than dequantising exists; nothing otherwise.
    virtual std::optional<at::Tensor> matmul(const at::Tensor& x) const
    {
        static_cast<void>(x);
        return std::nullopt;
    }
    /// Everything that has to be stored: codes, scales, zeros, indices, adapters, codebooks.
    virtual std::vector<StoredPart> storedParts() const = 0;
    /// The parts as packed tensors under the names of storedParts(); their bytes are what storedParts() counts.
    virtual std::vector<std::pair<std::string, at::Tensor>> serialise() const = 0;
    /// How the parts are laid out, e.g. "group_affine"; names the reader of an artifact.
    virtual std::string_view layout() const = 0;
    /// What a reader of that layout needs beside the parts (bit widths, group sizes); see layout/tensor_layouts.h.
    virtual core::Json description() const { return core::Json::object(); }
    /// The tensors that this one holds; its own layout reads them with it.
    virtual std::vector<const CompressedTensor*> components() const { return {}; }
    /// Positions that may differ from zero, bool [out, in], of a pruned weight; undefined: all of them. A stage that
    /// quantises keeps the others zero.
    virtual at::Tensor mask() const { return {}; }
};

} // namespace paretoscope::engine
