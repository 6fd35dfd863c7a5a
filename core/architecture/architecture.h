// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/checkpoint/checkpoint.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

enum class NormKind
{
    Rms,
    Layer
};

struct NormSpec
{
    NormKind kind = NormKind::Rms;
    std::string weight; ///< tensor name
    std::string bias;   ///< tensor name; empty: none
    double epsilon = 1e-6;
};

/// y = x Wᵀ (+ b); W is the tensor `module`.weight [outFeatures, inFeatures].
struct LinearSpec
{
    std::string module;
    std::int64_t outFeatures = 0;
    std::int64_t inFeatures = 0;
    bool bias = false;

    std::string weight() const { return module + ".weight"; }
    std::string biasName() const { return module + ".bias"; }
};

enum class RotaryStyle
{
    HalfSplit,   ///< pairs (i, i + d/2)
    Interleaved, ///< pairs (2i, 2i + 1)
};

struct RotarySpec
{
    RotaryStyle style = RotaryStyle::HalfSplit;
    std::vector<double> inverseFrequencies; ///< d/2 angles per position, scaling applied
    double amplitude = 1.0;                 ///< factor on cos and sin
};

/// Softmax attention with grouped key/value heads.
struct AttentionSpec
{
    NormSpec norm;
    LinearSpec query;
    LinearSpec key;
    LinearSpec value;
    LinearSpec output;
    int heads = 0;
    int kvHeads = 0;
    int headDim = 0;
    double scale = 0; ///< on q·k
    RotarySpec rotary;
};

enum class Activation
{
    Silu,
    GeluErf,
    GeluTanh,
    Relu
};

/// down(act(gate(x)) * up(x))
struct MlpSpec
{
    NormSpec norm;
    LinearSpec gate;
    LinearSpec up;
    LinearSpec down;
    Activation activation = Activation::Silu;
};

/// h += attention(norm(h)); h += mlp(norm(h))
struct BlockSpec
{
    AttentionSpec attention;
    MlpSpec mlp;
};

struct ExpectedTensor
{
    std::string name;
    std::vector<std::int64_t> shape;
};

/// A model family with all values of one configuration filled in. The engine builds its graph from this alone.
struct Architecture
{
    std::string family; ///< "llama": the file in resources/architectures
    std::string modelType;
    std::int64_t hiddenSize = 0;
    std::int64_t intermediateSize = 0;
    std::int64_t vocabSize = 0;
    int attentionHeads = 0;
    int kvHeads = 0;
    int headDim = 0;
    std::int64_t maxPositions = 0; ///< 0: not stated
    bool tiedEmbeddings = false;
    std::string embedding; ///< tensor name
    std::string head;      ///< tensor name; equals `embedding` when tied
    std::vector<BlockSpec> blocks;
    NormSpec finalNorm;
    std::vector<std::string> ignoredTensors; ///< patterns (`*` matches anything) of legacy buffers
    /// What in the configuration this version cannot compute, one sentence each; empty = supported.
    std::vector<std::string> unsupported;

    std::vector<ExpectedTensor> tensors() const; ///< all tensors that the graph reads, each once
    std::int64_t parameters() const;             ///< elements of `tensors()`
};

/// How the tensors of a checkpoint compare with what the architecture reads.
struct TensorReport
{
    std::vector<std::string> missing;
    std::vector<std::string> mismatched; ///< "name: [3, 4], expected [4, 4]"
    std::vector<std::string> unknown;    ///< in the file, not read
    bool complete() const { return missing.empty() && mismatched.empty(); }
};

/// Reads the family files of `folder` and fills in the values of `config` (config.json of Hugging Face spelling).
/// A configuration key that the family does not know is listed in `unsupported` unless it is null or false.
/// Errors: Unsupported (no family has this model_type; lists those there are), NotFound (no family files),
/// Corrupt (a key is missing or has a wrong type or value; names it).
Result<Architecture> describeArchitecture(const Json& config, const std::filesystem::path& folder);

/// As above for a checkpoint; a head absent from the file means tied embeddings.
Result<Architecture> describeArchitecture(const Checkpoint& checkpoint, const std::filesystem::path& folder);

TensorReport compareTensors(const Architecture& architecture, const Checkpoint& checkpoint);

/// Errors: Unsupported or Corrupt, naming everything that keeps this model from being computed.
Status requireSupported(const Architecture& architecture, const Checkpoint& checkpoint);

} // namespace paretoscope::core
