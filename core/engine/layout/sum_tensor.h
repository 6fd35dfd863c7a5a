// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/components.h"
#include "core/engine/plugin/compressed_tensor.h"

#include <memory>

namespace paretoscope::engine {

/// A weight in two forms that add up: a quantised or pruned base and what compensates for it. Both are stored; their
/// parts are named `base/…` and `addition/…`.
class SumTensor : public CompressedTensor
{
public:
    SumTensor(std::shared_ptr<const CompressedTensor> base, std::shared_ptr<const CompressedTensor> addition)
        : m_base(std::move(base))
        , m_addition(std::move(addition))
    {}

    at::Tensor dequantize() const override { return m_base->dequantize() + m_addition->dequantize(); }
    std::vector<StoredPart> storedParts() const override { return storedPartsOf(named()); }
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return partsOf(named()); }
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override { return descriptionOf(named()); }
    std::vector<const CompressedTensor*> components() const override { return {m_base.get(), m_addition.get()}; }

    const CompressedTensor& base() const { return *m_base; }
    const CompressedTensor& addition() const { return *m_addition; }

    static constexpr std::string_view kLayout = "sum";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

private:
    Components named() const;

    std::shared_ptr<const CompressedTensor> m_base;
    std::shared_ptr<const CompressedTensor> m_addition;
};

} // namespace paretoscope::engine
