// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/evaluation/task_protocol.h"
#include "core/tokenizer/tokenizer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A text and what is to follow it.
struct TaskPair
{
    std::string context;
    std::string continuation; ///< with the delimiter, usually one space, in front
};

/// A question with its choices, or (one pair) a text whose continuation is to be found greedily.
struct TaskItem
{
    std::string id;
    std::vector<TaskPair> pairs;
    int gold = 0; ///< index into `pairs`
};

struct TaskItems
{
    enum class Kind
    {
        Choice,
        ChoiceUnnormalised, ///< contexts differ or answers are yes and no: dividing by the length means nothing
        Cloze               ///< right when every token of the continuation is the most likely one
    };

    Kind kind = Kind::Choice;
    std::vector<TaskItem> items; ///< those that the protocol takes, in its order
    std::size_t inFile = 0;
    std::vector<std::string> duplicateIds;
    Sha256Digest fileDigest;
};

/// Reads the forms of specs evaluation 6, one JSON object a line: {"id", "pairs": [[context, continuation], ...],
/// "gold"}; {"id", "context", "choices", "gold"}; {"id", "contexts", "continuation", "gold"}; {"id", "context",
/// "target"}; and what the Hub has of ARC, OpenBookQA, HellaSwag, PIQA, WinoGrande, BoolQ and LAMBADA, with the prompts
/// of lm-evaluation-harness 0.4. Unknown keys are ignored.
/// Errors: NotFound, Io; Corrupt with line and key (no known form, wrong type, gold out of range, fewer than two
/// choices, an empty continuation, lines of different kinds); Unsupported (a line above 64 MiB).
Result<TaskItems> readTaskItems(const TaskProtocol& protocol);

/// A pair as the model sees it: the logits at `input` position p score `targets[p - firstScored]`.
struct EncodedPair
{
    std::vector<std::int32_t> input;
    std::vector<std::int32_t> targets; ///< one for each position from firstScored to the end of `input`
    std::size_t firstScored = 0;
};

/// lm-evaluation-harness 0.4: white space at the end of the context (of any kind) moves to the continuation; the
/// continuation's tokens are what tokenising both together has more than the context alone; an empty context is BOS,
/// else EOS. What exceeds `maxTokens` (0: no limit) is cut off the front. @param bos as TaskProtocol::bos Errors:
/// InvalidArgument (no token is the continuation's own; it alone exceeds maxTokens; BOS or EOS is needed and the
/// tokenizer has none).
Result<EncodedPair> encodePair(const TaskPair& pair, const Tokenizer& tokenizer, const std::string& bos,
                               std::int64_t maxTokens);

/// Characters (code points) of a continuation without its leading space: what acc_norm divides by.
std::size_t charactersOf(std::string_view continuation);

} // namespace paretoscope::core
