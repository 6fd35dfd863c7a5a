// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/added_vocabulary.h"

#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <set>

namespace paretoscope::core {

namespace {

struct Match
{
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t token = 0;
};

/// The leftmost and there longest word in `text` from byte `from` on.
std::optional<Match> findWord(const ByteTrie& trie, std::string_view text, std::size_t from)
{
    for (std::size_t begin = from; begin < text.size(); ++begin) {
        std::optional<Match> longest;
        std::uint32_t node = ByteTrie::kRoot;
        for (std::size_t at = begin; at < text.size(); ++at) {
            node = trie.step(node, text[at]);
            if (node == ByteTrie::kNone)
                break;
            if (trie.value(node) >= 0)
                longest = Match {begin, at + 1, static_cast<std::size_t>(trie.value(node))};
        }
        if (longest)
            return longest;
    }
    return std::nullopt;
}

} // namespace

AddedVocabulary::AddedVocabulary(std::vector<AddedToken> tokens, const Normalizer* normalizer)
    : m_tokens(std::move(tokens))
{
    PatternWorkspace workspace;
    for (std::size_t i = 0; i < m_tokens.size(); ++i) {
        AddedToken& token = m_tokens[i];
        m_byId.emplace(token.id, i);
        token.decoded =
            token.normalized && normalizer ? normalizer->normalize(token.content, workspace) : token.content;
    }
    std::vector<std::pair<std::string, std::int32_t>> raw;
    std::vector<std::pair<std::string, std::int32_t>> normalized;
    // Where normalisation makes two tokens equal, the special one counts, then the earlier one.
    for (const bool special : {true, false}) {
        for (std::size_t i = 0; i < m_tokens.size(); ++i) {
            if (m_tokens[i].special == special)
                (m_tokens[i].normalized ? normalized : raw).emplace_back(m_tokens[i].decoded, i);
        }
    }
    m_raw = ByteTrie(std::move(raw));
    m_normalized = ByteTrie(std::move(normalized));
}

void AddedVocabulary::split(std::string_view text, bool normalized, std::vector<TextFragment>& out) const
{
    const ByteTrie& trie = normalized ? m_normalized : m_raw;
    std::size_t done = 0; // all before it is in `out`
    std::size_t from = 0;
    while (!trie.empty()) {
        const auto match = findWord(trie, text, from);
        if (!match)
            break;
        from = match->end;
        const AddedToken& token = m_tokens[match->token];
        std::size_t begin = match->begin;
        std::size_t end = match->end;
        if (token.singleWord) {
            std::size_t before = begin;
            std::size_t behind = end;
            if ((begin > 0 && isWordCharacter(previousCodePoint(text, before))) ||
                (end < text.size() && isWordCharacter(nextCodePoint(text, behind))))
                continue;
        }
        if (token.stripLeft) {
            for (std::size_t before = begin; before > done;) {
                if (!isWhiteSpace(previousCodePoint(text, before)))
                    break;
                begin = std::max(before, done);
            }
        }
        if (token.stripRight) {
            for (std::size_t behind = end; behind < text.size();) {
                if (!isWhiteSpace(nextCodePoint(text, behind)))
                    break;
                end = behind;
            }
        }
        if (done < begin)
            out.push_back({done, begin, -1});
        out.push_back({begin, end, token.id});
        done = end;
    }
    if (done < text.size())
        out.push_back({done, text.size(), -1});
}

const AddedToken* AddedVocabulary::find(std::int32_t id) const
{
    const auto found = m_byId.find(id);
    return found == m_byId.end() ? nullptr : &m_tokens[found->second];
}

std::optional<std::int32_t> AddedVocabulary::find(std::string_view content) const
{
    const auto found = std::find_if(m_tokens.begin(), m_tokens.end(),
                                    [&](const AddedToken& token) { return token.content == content; });
    if (found == m_tokens.end())
        return std::nullopt;
    return found->id;
}

std::int64_t AddedVocabulary::idLimit() const
{
    return m_byId.empty() ? 0 : std::int64_t(m_byId.rbegin()->first) + 1;
}

Result<std::vector<AddedToken>> AddedVocabulary::fromJson(const Json& list, const Vocabulary& vocabulary)
{
    const auto corrupt = [](const std::string& message) {
        return Error {ErrorCode::Corrupt, message, "save the tokenizer again with the library that made it"};
    };
    if (list.is_null())
        return std::vector<AddedToken>();
    if (!list.is_array())
        return corrupt("added_tokens must be an array, but is " + shortJson(list));
    std::vector<AddedToken> tokens;
    std::set<std::string> contents;
    std::int64_t largestAdded = -1;
    for (std::size_t i = 0; i < list.size(); ++i) {
        PartReader part(list[i], "added_tokens[" + std::to_string(i) + "]");
        AddedToken token;
        token.content = part.string("content");
        token.id = static_cast<std::int32_t>(part.integer("id", 0, Vocabulary::kLargestId));
        token.singleWord = part.boolean("single_word", false);
        token.stripLeft = part.boolean("lstrip", false);
        token.stripRight = part.boolean("rstrip", false);
        token.special = part.boolean("special", false);
        token.normalized = part.boolean("normalized", !token.special);
        PSC_TRY(part.finish());
        if (token.content.empty())
            continue;
        if (!contents.insert(token.content).second)
            return corrupt(part.place() + ": the token " + shortJson(Json(token.content)) + " is given twice");
        // The library looks the id up in the model and numbers the other tokens behind it, whatever the file says.
        const auto inModel = vocabulary.find(token.content);
        const std::int64_t expected = inModel ? *inModel : std::max(largestAdded + 1, vocabulary.size());
        if (token.id != expected)
            return corrupt(part.place() + ": the token " + shortJson(Json(token.content)) + " has the id " +
                           std::to_string(token.id) + ", but its place in the vocabulary is " +
                           std::to_string(expected));
        largestAdded = std::max(largestAdded, expected);
        tokens.push_back(std::move(token));
    }
    return tokens;
}

} // namespace paretoscope::core
