// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// What kind of weight a unit is; manifests name them in applies_to.tensors.
enum class UnitKind
{
    Linear,
    Convolution,
    Embedding
};

/// The smallest thing that a stage may compress: one weight matrix.
struct Unit
{
    std::string module; ///< "model.layers.3.mlp.down_proj"
    /// "model.layers.3.mlp.down_proj.weight"; of matrices that lie in one stored tensor "….gate_up_proj[17]".
    std::string tensor;
    UnitKind kind = UnitKind::Linear;
    std::string role; ///< what it does in the block, independent of the family: "attention.query", "mlp.down", ...
    int block = -1;   ///< index of the block; -1 outside the blocks
    int expert = -1;  ///< index of the routed expert; -1 when it is none
    /// Whether a stage takes it when the user names no modules; routers are left alone unless asked for.
    bool byDefault = true;
    std::int64_t outFeatures = 0;
    std::int64_t inFeatures = 0;
    /// Name of the activation it reads. Units of equal input share every statistic of it.
    std::string input;
};

/// Tensors through which a per-channel factor may pass without changing the function: dividing the output channels of
/// `producer` by s and multiplying the input columns of every consumer by s (AWQ, SmoothQuant).
struct FoldGroup
{
    enum class Producer
    {
        Norm,
        Linear,
        None
    };
    Producer kind = Producer::None;
    std::string producer;     ///< tensor name of a norm's weight or a linear's weight; empty for None
    std::string producerBias; ///< empty: none
    /// A norm multiplies with offset + weight (1 in Gemma): dividing by s makes the weight (offset + weight)/s -
    /// offset.
    double producerOffset = 0;
    /// Output channels of a linear that the consumers read, column for column (values inside a fused projection).
    /// Empty: all of them in order.
    std::vector<std::int64_t> producerRows {};
    std::vector<std::size_t> consumers; ///< indices into ModelView::units
    int block = 0;
};

/// What a stage sees of a model before any device work: names and sizes, no values.
struct ModelView
{
    std::string workload;    ///< "causal-lm"
    std::vector<Unit> units; ///< in the order in which a forward pass reads them
    std::vector<FoldGroup> foldGroups;
    int blocks = 0;
};

} // namespace paretoscope::engine
