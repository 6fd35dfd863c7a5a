// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/base/scratch_file.h"
#include "core/engine/plugin/compressed_tensor.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// Parts by name, as CompressedTensor::serialise gives them.
using TensorParts = std::vector<std::pair<std::string, at::Tensor>>;

/// The tensor that serialise(), layout() and description() told of: equal values, equal parts. Trusts nothing.
/// Errors: Corrupt (a layout that is not known, parts that do not fit the description).
core::Result<std::shared_ptr<const CompressedTensor>>
tensorFromParts(std::string_view layout, const core::Json& description, const TensorParts& parts);

/// Whether `tensorFromParts` knows the layout, so that `unpack` reads this layout ("group_affine", "dense"). A tensor
/// of another one stays in memory.
bool canPack(const CompressedTensor& tensor);
/// The parts as serialise() gives them, with layout and description: a length (64 bit), one line of JSON, raw parts.
std::string pack(const CompressedTensor& tensor);
/// The same tensor: equal values, equal parts. Errors: Corrupt.
core::Result<std::shared_ptr<const CompressedTensor>> unpack(std::string_view packed);

/// A compressed tensor whose parts wait in a scratch file; read again with every call.
class SpilledTensor : public CompressedTensor
{
public:
    /// Errors: Io (scratch disk full).
    static core::Result<std::shared_ptr<const CompressedTensor>> spill(const CompressedTensor& tensor,
                                                                       std::shared_ptr<core::ScratchFile> file);

    at::Tensor dequantize() const override { return read()->dequantize(); }
    std::vector<StoredPart> storedParts() const override;
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return read()->serialise(); }
    std::string_view layout() const override { return m_layout; }
    core::Json description() const override { return m_description; }

private:
    SpilledTensor() = default;
    std::shared_ptr<const CompressedTensor> read() const;

    std::shared_ptr<core::ScratchFile> m_file;
    std::int64_t m_offset = 0;
    std::size_t m_bytes = 0;
    std::string m_layout;
    core::Json m_description;
    std::vector<StoredPart> m_parts; ///< `storage` points into this object: nothing is shared with other tensors
};

} // namespace paretoscope::engine
