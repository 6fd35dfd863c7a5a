// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/tokenizer/byte_trie.h"
#include "core/tokenizer/normalizer.h"
#include "core/tokenizer/vocabulary.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A token that is recognised in the text before anything else happens to it.
struct AddedToken
{
    std::string content;
    std::string decoded; ///< what decoders get: the content, normalised if it is looked for in normalised text
    std::int32_t id = 0;
    bool singleWord = false; ///< not inside a word
    bool stripLeft = false;  ///< takes the white space before it
    bool stripRight = false;
    bool normalized = false; ///< looked for in the normalised text
    bool special = false;    ///< left out when decoding with `skipSpecial`
};

/// A stretch of text, or one added token.
struct TextFragment
{
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int32_t id = -1; ///< -1: text
};

/// The `added_tokens` of tokenizer.json. Immutable once built.
class AddedVocabulary
{
public:
    /// Errors: Corrupt (a field, a token given twice, an id that is not its place behind the model's vocabulary).
    static Result<std::vector<AddedToken>> fromJson(const Json& list, const Vocabulary& vocabulary);

    AddedVocabulary() = default;
    /// Sets the `decoded` of each token.
    AddedVocabulary(std::vector<AddedToken> tokens, const Normalizer* normalizer);

    /// Cuts `text` at the tokens looked for in raw text (`normalized` = false) or in normalised text. The fragments
    /// that are text are not empty.
    void split(std::string_view text, bool normalized, std::vector<TextFragment>& out) const;

    const AddedToken* find(std::int32_t id) const;
    std::optional<std::int32_t> find(std::string_view content) const;
    std::int64_t idLimit() const; ///< largest id + 1; 0 when there is none

private:
    std::vector<AddedToken> m_tokens;
    std::map<std::int32_t, std::size_t> m_byId;
    ByteTrie m_raw; ///< values are indices into m_tokens
    ByteTrie m_normalized;
};

} // namespace paretoscope::core
