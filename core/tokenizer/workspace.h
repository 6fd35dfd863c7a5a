// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/pattern.h"
#include "core/tokenizer/pieces.h"
#include "core/tokenizer/word_cache.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Buffers of one encoding thread, kept between calls so that nothing is allocated per word.
struct Workspace
{
    /// A token candidate of BPE; a doubly linked list in the order of the text.
    struct Symbol
    {
        std::int32_t id = 0; ///< -1: merged into its left neighbour
        std::int32_t previous = -1;
        std::int32_t next = -1;
    };
    /// A possible merge; the smallest key (rank, then position) goes first.
    struct Merge
    {
        std::uint64_t key = 0;
        std::int32_t id = 0; ///< of the merged token
    };
    /// The best way to reach one byte of the piece (Unigram).
    struct Step
    {
        double score = 0;
        std::int32_t id = 0;
        std::int64_t begin = -1; ///< -1: not reached
    };

    PatternWorkspace patterns;
    PieceList pieces; ///< the list being cut
    PieceList next;   ///< what the pre-tokenizer at work writes
    std::vector<Segment> segments;
    std::vector<Symbol> symbols;
    std::vector<Merge> merges;
    std::vector<Step> steps;
    std::string text;
    WordCache cache;
};

/// Hands out workspaces; one that is given back is reused with what its cache has learnt. Thread-safe.
class WorkspacePool
{
public:
    std::unique_ptr<Workspace> take();
    void giveBack(std::unique_ptr<Workspace> workspace);

private:
    std::mutex m_mutex;
    std::vector<std::unique_ptr<Workspace>> m_free;
};

} // namespace paretoscope::core
