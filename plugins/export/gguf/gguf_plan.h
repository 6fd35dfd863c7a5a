// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "affine_blocks.h"
#include "core/checkpoint/gguf_entries.h"
#include "core/checkpoint/gguf_family.h"
#include "core/checkpoint/gguf_split.h"
#include "core/checkpoint/safetensors_layout.h"
#include "core/engine/plugin/exporter.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::gguf {

/// The parameters of the plugin.
struct GgufSettings
{
    std::optional<core::ElementType> type; ///< of compressed weights that no block type holds; nothing: refuse them
    bool roundsMinimum = false;
    bool weightsOnly = false;
};

/// How one tensor of the file comes about.
struct PlannedTensor
{
    enum class Content
    {
        Copied, ///< as it lies in the source
        Blocks, ///< from affine codes
        Plain,  ///< rounded from float32
    };

    core::TensorDeclaration declaration;
    Content content = Content::Plain;
    std::span<const std::byte> stored; ///< of a copied one; lies in the source
    std::vector<std::string> parts;    ///< Hugging Face names: the tensor, or the experts of a stack in order
    core::GgufMappedName name;
};

/// All that a GGUF file of the model will hold. The model outlives it.
class GgufPlan
{
public:
    /// Errors: Unsupported (a family or tensor without a name in GGUF, a weight that no block type holds, a model from
    /// which no metadata can be taken; each with the remedy); reading errors of the source.
    static core::Result<GgufPlan> of(const engine::ExportedModel& model, const GgufSettings& settings);

    const core::GgufEntries& entries() const { return m_entries; }
    const std::vector<PlannedTensor>& tensors() const { return m_tensors; }
    /// int64 [rows]: for queries and keys of a family that turns pairs of rows, the row that stands at each place;
    /// otherwise undefined.
    at::Tensor rowOrderOf(const PlannedTensor& tensor) const;
    /// Whether the file holds this tensor with 1 added.
    bool addsOneTo(const PlannedTensor& tensor) const { return tensor.name.isNorm && m_family->normPlusOne; }

private:
    GgufPlan(const engine::ExportedModel& model, const GgufSettings& settings)
        : m_model(model)
        , m_settings(settings)
    {}

    core::Status openSource();
    core::Status gatherTensors();
    core::Status decide(PlannedTensor& tensor) const;
    core::Result<bool> takesBlocks(PlannedTensor& tensor) const;
    void copyUnnamed();
    core::Status describe();
    const core::GgufTensor* inSource(std::string_view name) const;

    const engine::ExportedModel& m_model;
    GgufSettings m_settings;
    std::optional<core::GgufParts> m_source; ///< the GGUF file that the model was read from
    const core::GgufFamily* m_family = nullptr;
    std::vector<PlannedTensor> m_tensors;
    core::GgufEntries m_entries;
};

/// The affine form of a tensor in blocks. Errors: Unsupported with layer and reason.
core::Result<AffineBlocks> blocksOf(const engine::ExportedModel& model, const std::string& tensor);

} // namespace paretoscope::gguf
