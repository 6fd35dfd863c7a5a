// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/block_spec.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/checkpoint/checkpoint.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A vector per position that is added to the embedding of the token there.
struct LearnedPositions
{
    std::string weight;      ///< tensor name, [offset + positions, width]
    std::int64_t offset = 0; ///< row of position 0
    std::int64_t positions = 0;
    std::int64_t width = 0;
};

/// From token ids to the stream that enters block 0: projection(scale * embedding[id]) + positions[t].
struct EntrySpec
{
    std::string embedding; ///< tensor name, [vocabulary, width]
    std::int64_t vocabulary = 0;
    std::int64_t width = 0;
    double scale = 1;
    std::optional<LinearSpec> projection = std::nullopt; ///< where embeddings are narrower than the stream
    std::optional<LearnedPositions> positions = std::nullopt;
};

/// From the stream that leaves the last block to logits: softCap(multiplier * head(projection(norm(h)))).
struct HeadSpec
{
    std::optional<NormSpec> norm;
    std::optional<LinearSpec> projection;
    std::string weight; ///< tensor name, [vocabulary, width]; the embedding when tied
    std::string bias;   ///< tensor name; empty: none
    std::int64_t vocabulary = 0;
    std::int64_t width = 0;
    double multiplier = 1;
    double softCap = 0; ///< logits become softCap * tanh(logit / softCap); 0: off
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const EntrySpec& entry);
void appendTensors(std::vector<ExpectedTensor>& tensors, const HeadSpec& head);

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
    EntrySpec entry;
    std::vector<BlockSpec> blocks;
    HeadSpec head;
    std::vector<std::string> ignoredTensors; ///< patterns (`*` matches anything) of legacy buffers
    /// What in the configuration this version cannot compute, one sentence each; empty = supported.
    std::vector<std::string> unsupported;

    std::vector<ExpectedTensor> tensors() const; ///< all tensors that the graph reads, each once
    std::int64_t parameters() const;             ///< elements of `tensors()`
    /// Elements that one token meets: all but those of the experts it is not sent to.
    std::int64_t activeParameters() const;
    /// The mixture with the most experts; nullptr: the model has none.
    const MoeSpec* largestMixture() const;
};

/// How the tensors of a checkpoint compare with what the architecture reads.
struct TensorReport
{
    std::vector<std::string> missing;
    std::vector<std::string> mismatched; ///< "name: [3, 4], expected [4, 4]"
    std::vector<std::string> unknown;    ///< in the file, not read
    bool complete() const { return missing.empty() && mismatched.empty(); }
};

/// Reads the family files of `folder` (docs/families.md) and fills in the values of `config` (config.json of Hugging
/// Face spelling). A configuration key that the family does not know is listed in `unsupported` unless it is null or
/// false.
/// Errors: Unsupported (no family has this model_type; lists those there are), NotFound (no family files),
/// Corrupt (a key is missing or has a wrong type or value; names it).
Result<Architecture> describeArchitecture(const Json& config, const std::filesystem::path& folder);

/// As above for a checkpoint; a head absent from the file means tied embeddings.
Result<Architecture> describeArchitecture(const Checkpoint& checkpoint, const std::filesystem::path& folder);

TensorReport compareTensors(const Architecture& architecture, const Checkpoint& checkpoint);

/// Errors: Unsupported or Corrupt, naming everything that keeps this model from being computed.
Status requireSupported(const Architecture& architecture, const Checkpoint& checkpoint);

} // namespace paretoscope::core
