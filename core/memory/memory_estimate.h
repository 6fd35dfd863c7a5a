// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/checkpoint/checkpoint.h"
#include "core/memory/memory_plan.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <cstdint>
#include <optional>

namespace paretoscope::core {

/// The sizes of a model that decide about memory. Weights count as float32: that is how they are computed with.
struct ModelSizes
{
    Bytes weights;
    Bytes largestBlock;
    Bytes entry;         ///< the embeddings
    Bytes head;          ///< output matrix and final norm
    Bytes largestStored; ///< bytes of the largest tensor in its file, mapped while it is read
    Bytes matrices;      ///< of all blocks together
    std::int64_t hidden = 0;
    std::int64_t widest = 0; ///< most features that a matrix of a block reads or writes
    std::int64_t widestInput = 0;
    std::int64_t outOfWidest = 0; ///< rows of the matrix that reads most features
    std::int64_t vocabulary = 0;
};

/// Tensors belong to a block by the first number in their name.
ModelSizes modelSizes(const Architecture& architecture, const Checkpoint& checkpoint);

struct TokenLoad
{
    std::int64_t sequences = 0;
    std::int64_t longest = 0; ///< tokens
    std::int64_t tokens = 0;
};

/// What one trial computes, as far as memory is concerned.
struct TrialLoad
{
    TokenLoad evaluation;
    TokenLoad calibration;           ///< zero when no stage reads it
    int referenceHeads = 0;          ///< metrics that make a baseline's logits, each with a head of its own
    bool readsOtherBaseline = false; ///< from another model; it counts as one of the same sizes
    Bytes text;                      ///< of the corpora, tokenised as a whole
    bool replacesWeights = false;    ///< any stage at all
    double statisticPerSquare = 0;   ///< bytes per squared feature of an input while statistics are gathered,
    double valuePerSquare = 0;       ///< once they are finished,
    double workPerSquare = 0;        ///< and what a method allocates beside them,
    double workPerWeight = 0;        ///< also per element of the weight in hand
    int threads = 1;
};

/// Without tokenising: the length of corpora counts at about three bytes a token where a protocol reads all of them.
/// The needs of a stage come from its manifest (`needs.statistics`, `cost_hint.bytes_per_squared_input`,
/// `cost_hint.bytes_per_weight`, by default nothing and 8); an unknown plugin counts like one with a Hessian.
TrialLoad trialLoad(const WorkloadSpec& workload, const Pipeline& pipeline, const PluginCatalogue& plugins,
                    int threads);

struct MemoryEstimate
{
    MemoryPlan plan; ///< without a scratch folder
    Bytes peak;      ///< resident memory of the worker at its highest, mapped pages counted
    Bytes least;     ///< the smallest budget with which this trial runs
    Bytes scratch;   ///< disk for activations and replaced weights that are not in memory
};

/// The fastest plan that stays within `budget`; without one, within `physical` memory as far as possible.
/// A plan exists for every budget; whether it holds is `peak <= budget`, see requireWithin.
MemoryEstimate planMemory(const ModelSizes& model, const TrialLoad& load, std::optional<Bytes> budget, Bytes physical);

/// The plan that takes least, with half the sequences at once: for a trial that ran out of memory before.
MemoryEstimate planFrugally(const ModelSizes& model, const TrialLoad& load, std::optional<Bytes> budget);

/// Errors: OutOfMemory (with the budget that would do and the remedy).
Status requireWithin(const MemoryEstimate& estimate, std::optional<Bytes> budget);

} // namespace paretoscope::core
