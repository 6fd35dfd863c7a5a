// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/unigram_model.h"

#include "core/tokenizer/bpe_model.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace paretoscope::core {

namespace {

constexpr double kUnknownPenalty = 10;

double powerOfTen(int exponent)
{
    double power = 0;
    const std::string text = "1e" + std::to_string(exponent);
    std::from_chars(text.data(), text.data() + text.size(), power);
    return power;
}

/// A score as the reference library's JSON reader (serde_json without float_roundtrip) rounds it: all digits as one
/// integer, rounded to a double, then multiplied or divided by a power of ten. The last bit decides between
/// segmentations of equal probability, e.g. where a token of 14 "=" stands among eight of them.
double asReferenceReads(double exact)
{
    constexpr int kLargestPower = 308;
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, std::fabs(exact), std::chars_format::scientific).ptr;
    std::uint64_t digits = 0; // at most 17 of them
    int exponent = 0;
    const char* at = text;
    bool fraction = false;
    for (; at != end && *at != 'e'; ++at) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
        exponent -= fraction ? 1 : 0;
    }
    int stated = 0;
    at += at != end ? 1 : 0;
    at += at != end && *at == '+' ? 1 : 0; // from_chars takes no plus sign
    std::from_chars(at, end, stated);
    exponent += stated;
    double value = static_cast<double>(digits);
    for (; exponent < -kLargestPower; exponent += kLargestPower)
        value /= powerOfTen(kLargestPower);
    value = exponent < 0 ? value / powerOfTen(-exponent) : value * powerOfTen(exponent);
    return std::signbit(exact) ? -value : value;
}

ByteTrie trieOf(const Vocabulary& vocabulary)
{
    std::vector<std::pair<std::string, std::int32_t>> words;
    for (std::int32_t id = 0; id < vocabulary.idLimit(); ++id) {
        const std::string_view token = *vocabulary.token(id);
        words.emplace_back(token, *vocabulary.find(token)); // of equal tokens the last one is meant
    }
    return ByteTrie(std::move(words));
}

Error corrupt(const std::string& message)
{
    return {ErrorCode::Corrupt, message, "save the tokenizer again with the library that made it"};
}

} // namespace

UnigramModel::UnigramModel(Vocabulary vocabulary, std::vector<double> scores, std::int32_t unknownId, bool byteFallback)
    : Model(std::move(vocabulary))
    , m_trie(trieOf(this->vocabulary()))
    , m_scores(std::move(scores))
    , m_unknownScore(*std::min_element(m_scores.begin(), m_scores.end()) - kUnknownPenalty)
    , m_unknownId(unknownId)
    , m_byteFallback(byteFallback)
{}

void UnigramModel::findBestPath(std::string_view piece, std::vector<Workspace::Step>& steps) const
{
    steps.assign(piece.size() + 1, {});
    const auto offer = [&](std::size_t begin, std::size_t end, double score, std::int32_t id) {
        Workspace::Step& step = steps[end];
        const double sum = score + steps[begin].score;
        if (step.begin < 0 || sum > step.score)
            step = {sum, id, static_cast<std::int64_t>(begin)};
    };
    std::size_t begin = 0;
    while (begin < piece.size()) {
        std::size_t next = begin;
        nextCodePoint(piece, next);
        bool coversOneCharacter = false;
        std::uint32_t node = ByteTrie::kRoot;
        for (std::size_t end = begin; end < piece.size();) {
            node = m_trie.step(node, piece[end++]);
            if (node == ByteTrie::kNone)
                break;
            const std::int32_t id = m_trie.value(node);
            if (id < 0)
                continue;
            offer(begin, end, m_scores[static_cast<std::size_t>(id)], id);
            coversOneCharacter = coversOneCharacter || end == next;
        }
        if (!coversOneCharacter)
            offer(begin, next, m_unknownScore, m_unknownId);
        begin = next;
    }
}

void UnigramModel::addToken(std::string_view token, std::vector<std::int32_t>& ids) const
{
    if (const auto id = vocabulary().find(token)) {
        ids.push_back(*id);
        return;
    }
    if (m_byteFallback) {
        const std::size_t start = ids.size();
        for (const char c : token) {
            const auto id = vocabulary().find(byteToken(static_cast<std::uint8_t>(c)));
            if (!id)
                break;
            ids.push_back(*id);
        }
        if (ids.size() - start == token.size())
            return;
        ids.resize(start);
    }
    ids.push_back(m_unknownId);
}

void UnigramModel::encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const
{
    findBestPath(piece, workspace.steps);
    // Walk back, joining neighbouring unknown characters; the ends of the tokens come out last first.
    std::vector<Piece>& tokens = workspace.next.pieces;
    tokens.clear();
    bool behindIsUnknown = false;
    for (std::size_t end = piece.size(); end > 0;) {
        const Workspace::Step& step = workspace.steps[end];
        const auto begin = static_cast<std::size_t>(step.begin);
        const bool isUnknown = step.id == m_unknownId;
        if (isUnknown && behindIsUnknown)
            tokens.back().begin = begin;
        else
            tokens.push_back({begin, end});
        behindIsUnknown = isUnknown;
        end = begin;
    }
    for (auto token = tokens.rbegin(); token != tokens.rend(); ++token)
        addToken(piece.substr(token->begin, token->end - token->begin), ids);
}

Result<std::unique_ptr<Model>> UnigramModel::fromJson(const Json& json)
{
    PartReader part(json, "model");
    part.ignore("type"); // makeModel has read it
    const Json& vocab = part.array("vocab");
    const Json& unknown = part.any("unk_id");
    const bool byteFallback = part.boolean("byte_fallback", false);
    PSC_TRY(part.finish());
    std::vector<std::string> tokens;
    std::vector<double> scores;
    for (const Json& entry : vocab) {
        if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
            return corrupt("model.vocab[" + std::to_string(tokens.size()) + "] must be [token, score], but is " +
                           shortJson(entry));
        tokens.push_back(entry[0].get<std::string>());
        scores.push_back(asReferenceReads(entry[1].get<double>()));
    }
    if (unknown.is_null())
        return Error {ErrorCode::Unsupported, "model.unk_id is null, so unknown characters would have no id",
                      "use a tokenizer with an unknown token"};
    if (!unknown.is_number_unsigned() || unknown.get<std::uint64_t>() >= tokens.size())
        return corrupt("model.unk_id is " + shortJson(unknown) + ", but there are " + std::to_string(tokens.size()) +
                       " tokens");
    PSC_ASSIGN(Vocabulary vocabulary, Vocabulary::fromList(tokens, "model.vocab"));
    return std::unique_ptr<Model>(std::make_unique<UnigramModel>(std::move(vocabulary), std::move(scores),
                                                                 unknown.get<std::int32_t>(), byteFallback));
}

} // namespace paretoscope::core
