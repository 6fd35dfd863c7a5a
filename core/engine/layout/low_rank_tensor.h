// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/components.h"
#include "core/engine/quantization/affine.h"

#include <memory>

namespace paretoscope::engine {

/// A weight as the product B A of two thin factors, each in a form of its own (dense in a 16-bit type, affine codes).
/// Their parts are named `b/…` and `a/…`.
class LowRankTensor : public CompressedTensor
{
public:
    /// @param b [out, r]; @param a [r, in]
    LowRankTensor(std::shared_ptr<const CompressedTensor> b, std::shared_ptr<const CompressedTensor> a);

    /// Both factors rounded to `type` (float32, float16 or bfloat16). Errors: Numerical (a value beyond its range).
    static core::Result<std::shared_ptr<const LowRankTensor>> stored(const at::Tensor& b, const at::Tensor& a,
                                                                     at::ScalarType type);
    /// Both factors rounded to nearest on affine grids along their rows. Errors: Numerical (see fitGrids).
    static core::Result<std::shared_ptr<const LowRankTensor>> quantized(const at::Tensor& b, const at::Tensor& a,
                                                                        const AffineOptions& options);

    at::Tensor dequantize() const override;
    std::vector<StoredPart> storedParts() const override { return storedPartsOf(named()); }
    TensorParts serialise() const override { return partsOf(named()); }
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override; ///< of both factors, and the rank
    std::vector<const CompressedTensor*> components() const override { return {m_b.get(), m_a.get()}; }

    static constexpr std::string_view kLayout = "low_rank";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

private:
    Components named() const { return {{"b", m_b.get()}, {"a", m_a.get()}}; }

    std::shared_ptr<const CompressedTensor> m_b;
    std::shared_ptr<const CompressedTensor> m_a;
};

} // namespace paretoscope::engine
