// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "roofline/model/weight_format.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The dimensions of a model, as far as they decide what it costs. Sizes are doubles: counts of a whole model exceed
/// 2^31 and enter products with rates.
namespace paretoscope::roofline {

struct LinearShape
{
    double in = 0;
    double out = 0;
    bool bias = false;
    std::optional<WeightFormat> format = {}; ///< of its own; absent: that of the setting

    double parameters() const { return in * out + (bias ? out : 0); }
    bool operator==(const LinearShape&) const = default;
};

struct NormShape
{
    core::NormKind kind = core::NormKind::Rms;
    double width = 0;
    bool bias = false;
    bool gain = true; ///< false: nothing is learned

    double parameters() const { return width * ((gain ? 1 : 0) + (bias ? 1 : 0)); }
    bool operator==(const NormShape&) const = default;
};

struct AttentionShape
{
    double heads = 0;
    double kvHeads = 0;
    double headDim = 0;
    LinearShape query = {};
    LinearShape key = {};
    LinearShape value = {};
    LinearShape output = {};
    bool storedFused = false; ///< query, key and value are one linear
    std::optional<NormShape> queryNorm = {};
    std::optional<NormShape> keyNorm = {};
    bool rotary = false;
    double window = 0; ///< tokens a position sees, of chunks the most that one does; 0: all
    bool causal = true;
    bool cached = true; ///< keys and values are kept for later steps
    double sinks = 0;   ///< learned logits, parameters alone

    bool operator==(const AttentionShape&) const = default;
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434).
struct LatentAttentionShape
{
    double heads = 0;
    double plainDim = 0;  ///< d_n
    double rotaryDim = 0; ///< d_r
    double valueDim = 0;  ///< d_v
    double rank = 0;      ///< r_c
    std::optional<LinearShape> queryDown = {};
    std::optional<NormShape> queryNorm = {};
    LinearShape query = {};
    LinearShape keyValueDown = {};
    NormShape keyValueNorm = {};
    LinearShape keyValue = {};
    LinearShape output = {};

    bool operator==(const LatentAttentionShape&) const = default;
};

struct MlpShape
{
    std::optional<LinearShape> gate = {};
    LinearShape up = {};
    LinearShape down = {};
    bool storedFused = false; ///< gate and up are one linear
    core::Activation activation = core::Activation::Silu;

    double width() const { return down.in; }
    double parameters() const { return (gate ? gate->parameters() : 0) + up.parameters() + down.parameters(); }
    bool operator==(const MlpShape&) const = default;
};

struct MoeShape
{
    LinearShape router = {};
    bool choiceBias = false;
    double experts = 0;
    double chosen = 0; ///< per token
    MlpShape expert = {};
    std::optional<MlpShape> shared = {};
    std::optional<LinearShape> sharedGate = {};
    /// Probability that a token is sent to each expert; their sum is `chosen`. Empty: all equal.
    std::vector<double> frequencies = {};

    bool operator==(const MoeShape&) const = default;
};

/// Linear attention or a state space: a state per head in place of a cache that grows.
struct LinearAttentionShape
{
    double heads = 0;
    double headDim = 0;
    double stateDim = 0;
    LinearShape input = {}; ///< hidden to everything the recurrence reads
    LinearShape output = {};

    bool operator==(const LinearAttentionShape&) const = default;
};

using PartShape = std::variant<AttentionShape, LatentAttentionShape, LinearAttentionShape, MlpShape, MoeShape>;

struct SublayerShape
{
    std::optional<NormShape> norm = {};
    PartShape part = {};
    std::optional<NormShape> postNorm = {};
    std::optional<NormShape> residualNorm = {};

    bool operator==(const SublayerShape&) const = default;
};

struct LayerShape
{
    std::vector<SublayerShape> sublayers = {};
    bool parallel = false; ///< all sublayers read what enters the layer
    double tokenKeep = 1;  ///< share of the tokens that this layer still sees (token pruning)
    /// adaLN of diffusion transformers: a linear on one row per sequence.
    std::optional<LinearShape> conditioning = {};

    bool operator==(const LayerShape&) const = default;
};

/// Layers of equal shape are described once.
struct LayerRun
{
    LayerShape shape = {};
    std::vector<int> layers = {}; ///< their numbers

    double count() const { return static_cast<double>(layers.size()); }
};

struct ModelShape
{
    std::string family = {};
    double hidden = 0;
    double vocabulary = 0; ///< 0: neither embedding nor head; one pass over all tokens is all there is
    std::optional<LinearShape> patchEmbedding = {}; ///< of images, in place of an embedding of tokens
    double imageTokens = 0;                         ///< tokens of one image, where the configuration states it
    /// Behind an encoder whose tokens a language model reads: linears with GELU between them, on so many tokens joined
    /// into one.
    std::vector<LinearShape> projector = {};
    double projectorJoins = 1;
    double embeddingWidth = 0;
    std::optional<LinearShape> embeddingProjection = {};
    double positions = 0; ///< rows of learned positions
    std::optional<NormShape> finalNorm = {};
    std::optional<LinearShape> headProjection = {};
    LinearShape head = {};
    bool tied = false;
    std::vector<LayerRun> runs = {};

    int layers() const;
    double parameters() const;
    /// One shape per layer, in order; setLayers() takes them back after a change and collapses equal ones.
    std::vector<LayerShape> expanded() const;
    void setLayers(const std::vector<LayerShape>& layers);
};

double parametersOf(const LayerShape& layer);

/// The shape of a model that core/architecture describes.
ModelShape modelShape(const core::Architecture& architecture);

/// A diffusion transformer (DiT, arXiv 2212.09748) by hidden_size, depth, num_heads and mlp_ratio (4): every token
/// sees every other, nothing is cached, a linear on one row per image conditions each block.
/// Errors: Corrupt (a value is missing or impossible, the head size is not integral).
core::Result<ModelShape> diffusionTransformerShape(const core::Json& config);

/// A vision transformer by hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, image_size and
/// patch_size. Errors: as above; image_size is no multiple of patch_size.
core::Result<ModelShape> visionTransformerShape(const core::Json& config);

/// The shape of a config.json (or what a GGUF file says in its place); of a vision-language model that of its
/// text_config. A configuration with depth and num_heads is a diffusion transformer, one with image_size and patch_size
/// a vision transformer. What the engine could not compute is no obstacle here: only shapes are read.
/// @param families folder of the family files. Errors: those of core::describeArchitecture.
core::Result<ModelShape> readModelShape(const core::Json& config, const std::filesystem::path& families);

} // namespace paretoscope::roofline
