// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "roofline/model/weight_format.h"

#include <optional>
#include <vector>

namespace paretoscope::roofline {

/// Sequences of a step that are equally long.
struct SequenceGroup
{
    double sequences = 1;
    double queries = 1; ///< new tokens of each: the prompt, a chunk of it, 1 in decode, more when speculating
    double visible = 1; ///< tokens of each in the cache after the step, the new ones included

    bool operator==(const SequenceGroup&) const = default;
};

/// One pass through the model.
struct Step
{
    std::vector<SequenceGroup> groups = {};
    double logitRows = 1; ///< rows that enter the head; 0 in a chunk that is not the last

    double tokens() const;
    bool isPrefill() const; ///< some sequence has more than one new token

    static Step prefill(double batch, double prompt) { return {{{batch, prompt, prompt}}, batch}; }
    static Step decode(double batch, double visible) { return {{{batch, 1, visible}}, batch}; }
};

/// What enters matrix products.
struct ActivationFormat
{
    double bits = 16;
    CodeKind codes = CodeKind::Float;
    bool fusedQuantisation = true; ///< else below 16 bits an operation of its own rounds the input of each linear

    bool operator==(const ActivationFormat&) const = default;
};

/// How keys and values are kept, and of how many tokens.
struct KvFormat
{
    double bits = 16;
    double metaBits = 0;        ///< scale and zero point, per element
    double recentTokens = 0;    ///< the last ones stay in 16 bits
    double keepRatio = 1;       ///< of the visible tokens; LLM-Viewer's kv_token_ratio
    double keepTokens = 0;      ///< but at least so many
    double observedQueries = 0; ///< last queries of the prompt whose attention selects; 0: selection is free
    double layersPerCache = 1;  ///< neighbouring layers that share one cache
    double pageTokens = 16;

    /// Tokens that are kept of so many visible ones.
    double kept(double visible) const;
    /// Bytes that `tokens` cached tokens take in one channel.
    double bytesPerChannel(double tokens) const;

    bool operator==(const KvFormat&) const = default;
};

enum class AttentionKernel
{
    Flash,
    Eager,
};

/// Kernels that are joined; each removes an intermediate store and load.
struct Fusion
{
    bool qkv = false;
    bool gateUp = false;
    bool addNorm = false;
    bool activation = false;  ///< into the epilogue of gate and up; takes gateUp
    bool rotaryStore = false; ///< rotation and write to the cache
    bool permutation = false; ///< gather and scatter of mixtures inside the expert kernels

    bool operator==(const Fusion&) const = default;
};

struct Parallelism
{
    int tensor = 1;
    int pipeline = 1;
    int microBatches = 1;
    int expert = 1;
    bool sequence = false;             ///< norms and sums are sharded too
    double expertImbalance = 1;        ///< rows of the busiest device over the mean
    bool deduplicatedDispatch = false; ///< a token is sent to each device once

    bool operator==(const Parallelism&) const = default;
};

/// Everything besides model, device and step that decides the operations.
struct Execution
{
    WeightFormat weights = {};     ///< of linears without a format of their own
    WeightFormat headWeights = {}; ///< of lm_head, and of a tied embedding
    WeightFormat embeddingWeights = {};
    ActivationFormat activations = {};
    KvFormat kv = {};
    double streamBits = 16; ///< residual stream and everything between kernels
    double logitBits = 32;
    double scoreBits = 16;  ///< attention scores of the eager kernel
    double routerBits = 16; ///< of router weights
    bool allowTf32 = false;
    bool fp8Attention = false;
    AttentionKernel attention = AttentionKernel::Flash;
    double queryBlock = 0;           ///< rows of a flash-attention block; 0: 128, or 64 for heads above 128
    double decodeSplits = 1;         ///< flash-decoding: parts of the cache per head
    bool dequantisationCost = false; ///< count the arithmetic of weight-only formats
    Fusion fusion = {};
    Parallelism parallel = {};

    double streamBytes() const { return streamBits / 8; }
    /// Below 16 bits integers; above 16 the residual stream is as wide.
    void setActivationBits(double bits);

    bool operator==(const Execution&) const = default;
};

/// Errors: InvalidArgument, naming the first value that is impossible (not finite, not above zero, beyond 2^31 …).
core::Status checkStep(const Step& step);
core::Status checkExecution(const Execution& execution);

} // namespace paretoscope::roofline
