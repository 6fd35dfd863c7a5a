// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/plugin/compressed_tensor.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::engine {

class TensorLayouts;

/// Parts by name, as CompressedTensor::serialise gives them, on the host. Element types: float32, float16, bfloat16,
/// int32, int64, uint8.
using TensorParts = std::vector<std::pair<std::string, at::Tensor>>;
using ReadTensor = core::Result<std::shared_ptr<const CompressedTensor>>;

/// How tensors of one layout are read back; built in or registered by a plugin.
struct TensorLayout
{
    std::string_view name; ///< CompressedTensor::layout()
    /// The tensor that description() and serialise() told of: equal values, equal parts. Trusts nothing.
    /// @param layouts  for tensors that hold others. Errors: Corrupt (parts that do not fit the description).
    ReadTensor (*read)(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts) = nullptr;
};

/// The layouts that a process can read: what it reads back may wait on disk, outlive the process and be kept.
class TensorLayouts
{
public:
    /// Those of core/engine: dense, group_affine, sparse, low_rank, sum.
    static std::shared_ptr<const TensorLayouts> builtIn();
    std::shared_ptr<const TensorLayouts> with(std::span<const TensorLayout> more) const;

    /// Errors: Corrupt (no such layout; parts that do not fit).
    ReadTensor read(std::string_view layout, const core::Json& description, const TensorParts& parts) const;
    /// Whether tensors of this layout and of everything it holds can be read back.
    bool canRead(const CompressedTensor& tensor) const;

private:
    std::vector<TensorLayout> m_layouts;
};

/// The part of this name; undefined when there is none.
at::Tensor partNamed(const TensorParts& parts, std::string_view name);
/// Whether `part` is there, has this type and these sizes.
bool hasShape(const at::Tensor& part, at::ScalarType type, at::IntArrayRef sizes);
/// What `read` answers when something does not fit.
core::Error damagedParts(std::string_view layout);

} // namespace paretoscope::engine
