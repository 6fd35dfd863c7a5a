// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/base/scratch_file.h"
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/compressed_tensor.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// The parts as serialise() gives them, with layout and description: a length (64 bit), one line of JSON, raw parts.
std::string pack(const CompressedTensor& tensor);
/// The same tensor: equal values, equal parts. Errors: Corrupt.
ReadTensor unpack(std::string_view packed, const TensorLayouts& layouts);

/// A compressed tensor whose parts wait in a scratch file; read again with every call.
class SpilledTensor : public CompressedTensor
{
public:
    /// @param layouts  must be able to read the tensor. Errors: Io (scratch disk full).
    static ReadTensor spill(const CompressedTensor& tensor, std::shared_ptr<core::ScratchFile> file,
                            std::shared_ptr<const TensorLayouts> layouts);

    at::Tensor dequantize() const override { return read()->dequantize(); }
    std::vector<StoredPart> storedParts() const override;
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return read()->serialise(); }
    std::string_view layout() const override { return m_layout; }
    core::Json description() const override { return m_description; }
    at::Tensor mask() const override { return read()->mask(); }

private:
    SpilledTensor() = default;
    std::shared_ptr<const CompressedTensor> read() const;

    std::shared_ptr<core::ScratchFile> m_file;
    std::shared_ptr<const TensorLayouts> m_layouts;
    std::int64_t m_offset = 0;
    std::size_t m_bytes = 0;
    std::string m_layout;
    core::Json m_description;
    std::vector<StoredPart> m_parts; ///< `storage` points into this object: nothing is shared with other tensors
};

} // namespace paretoscope::engine
