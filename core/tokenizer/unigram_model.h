// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/byte_trie.h"
#include "core/tokenizer/model.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// SentencePiece's unigram model: the segmentation whose tokens have the largest sum of scores (Viterbi). A character
/// without token costs 10 more than the worst token; neighbouring ones become one unknown token, or byte tokens.
class UnigramModel : public Model
{
public:
    /// The object `model` of tokenizer.json. Errors: Corrupt, Unsupported (no unknown token).
    static Result<std::unique_ptr<Model>> fromJson(const Json& part);

    /// `scores` are log-probabilities by id.
    UnigramModel(Vocabulary vocabulary, std::vector<double> scores, std::int32_t unknownId, bool byteFallback);

    void encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const override;

private:
    void findBestPath(std::string_view piece, std::vector<Workspace::Step>& steps) const;
    void addToken(std::string_view token, std::vector<std::int32_t>& ids) const;

    ByteTrie m_trie;
    std::vector<double> m_scores;
    double m_unknownScore = 0;
    std::int32_t m_unknownId = 0;
    bool m_byteFallback = false;
};

} // namespace paretoscope::core
