// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer_parts.h"

#include "core/checkpoint/gguf_file.h"
#include "core/tokenizer/bpe_model.h"
#include "core/tokenizer/gguf_pre_tokenizer.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

namespace {

/// `tokenizer.ggml.token_type`.
enum class TokenType : std::int64_t
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6
};

Error corrupt(const std::string& message)
{
    return {ErrorCode::Corrupt, message, "convert the model again"};
}

/// The part of the metadata that every kind of tokenizer has.
struct GgufVocabulary
{
    Vocabulary texts;
    std::vector<std::int64_t> types; ///< one per token
};

Result<GgufVocabulary> readVocabulary(const GgufMetadata& metadata)
{
    PSC_ASSIGN(const std::vector<std::string> tokens, metadata.texts("tokenizer.ggml.tokens"));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (firstInvalidUtf8(tokens[i]))
            return corrupt("tokenizer.ggml.tokens[" + std::to_string(i) + "] is not UTF-8");
    }
    GgufVocabulary result;
    PSC_ASSIGN(result.texts, Vocabulary::fromList(tokens, "tokenizer.ggml.tokens"));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::int32_t found = *result.texts.find(tokens[i]);
        if (static_cast<std::size_t>(found) != i)
            return corrupt("tokenizer.ggml.tokens: the token " + shortJson(Json(tokens[i])) + " is given twice, at " +
                           std::to_string(i) + " and " + std::to_string(found));
    }
    result.types.assign(tokens.size(), static_cast<std::int64_t>(TokenType::Normal));
    if (metadata.contains("tokenizer.ggml.token_type")) {
        PSC_ASSIGN(result.types, metadata.integers("tokenizer.ggml.token_type"));
        if (result.types.size() != tokens.size())
            return corrupt("tokenizer.ggml.token_type has " + std::to_string(result.types.size()) + " entries for " +
                           std::to_string(tokens.size()) + " tokens");
    }
    return result;
}

std::vector<AddedToken> addedTokens(const GgufVocabulary& vocabulary)
{
    std::vector<AddedToken> added;
    for (std::size_t i = 0; i < vocabulary.types.size(); ++i) {
        const auto type = static_cast<TokenType>(vocabulary.types[i]);
        if (type != TokenType::Unknown && type != TokenType::Control && type != TokenType::UserDefined)
            continue;
        const auto id = static_cast<std::int32_t>(i);
        AddedToken token;
        token.content = *vocabulary.texts.token(id);
        token.id = id;
        token.special = type != TokenType::UserDefined;
        if (!token.content.empty())
            added.push_back(std::move(token));
    }
    return added;
}

/// A token id of the metadata; nothing when the key is absent.
Result<std::optional<std::int32_t>> readId(const GgufMetadata& metadata, std::string_view key,
                                           const Vocabulary& vocabulary)
{
    if (!metadata.contains(key))
        return std::optional<std::int32_t>();
    PSC_ASSIGN(const std::int64_t id, metadata.integer(key));
    if (id < 0 || id >= vocabulary.idLimit())
        return corrupt(std::string(key) + " is " + std::to_string(id) + ", but there are " +
                       std::to_string(vocabulary.idLimit()) + " tokens");
    return std::optional(static_cast<std::int32_t>(id));
}

Status readSpecialIds(const GgufMetadata& metadata, bool addBosByDefault, TokenizerParts& parts)
{
    const Vocabulary& vocabulary = parts.model->vocabulary();
    PSC_ASSIGN(parts.bosId, readId(metadata, "tokenizer.ggml.bos_token_id", vocabulary));
    PSC_ASSIGN(parts.eosId, readId(metadata, "tokenizer.ggml.eos_token_id", vocabulary));
    PSC_ASSIGN(const bool addBos, metadata.booleanOr("tokenizer.ggml.add_bos_token", addBosByDefault));
    PSC_ASSIGN(const bool addEos, metadata.booleanOr("tokenizer.ggml.add_eos_token", false));
    if (addBos && !parts.bosId)
        return corrupt("the tokenizer adds a BOS token, but tokenizer.ggml.bos_token_id is missing");
    if (addEos && !parts.eosId)
        return corrupt("the tokenizer adds an EOS token, but tokenizer.ggml.eos_token_id is missing");
    if (addBos)
        parts.postProcessor.before = {*parts.bosId};
    if (addEos)
        parts.postProcessor.behind = {*parts.eosId};
    return success();
}

/// "a b"; a token may begin with a space but not contain another.
Result<std::vector<TokenPair>> readMerges(const GgufMetadata& metadata)
{
    PSC_ASSIGN(const std::vector<std::string> merges, metadata.texts("tokenizer.ggml.merges"));
    std::vector<TokenPair> pairs;
    pairs.reserve(merges.size());
    for (std::size_t i = 0; i < merges.size(); ++i) {
        const std::size_t space = merges[i].find(' ', 1);
        if (space == std::string::npos || firstInvalidUtf8(merges[i]))
            return corrupt("tokenizer.ggml.merges[" + std::to_string(i) + "] must be two tokens, but is " +
                           shortJson(Json(merges[i])));
        pairs.push_back({merges[i].substr(0, space), merges[i].substr(space + 1)});
    }
    return pairs;
}

/// `tokenizer.ggml.model` "gpt2": byte-level BPE. A byte without token vanishes, whatever unknown_token_id says.
Result<TokenizerParts> readByteLevelBpe(const GgufMetadata& metadata)
{
    if (!metadata.contains("tokenizer.ggml.pre"))
        return Error {ErrorCode::Unsupported, "tokenizer.ggml.pre is missing, so nothing says how text is split",
                      "the converter was too old; convert the model again"};
    PSC_ASSIGN(const std::string pre, metadata.text("tokenizer.ggml.pre"));
    PSC_ASSIGN(const GgufPreTokenizer rule, ggufPreTokenizer(pre));
    PSC_ASSIGN(GgufVocabulary vocabulary, readVocabulary(metadata));
    PSC_ASSIGN(const std::vector<TokenPair> merges, readMerges(metadata));
    PSC_ASSIGN(MergeTable table, makeMergeTable(merges, vocabulary.texts, 0, "tokenizer.ggml.merges"));
    TokenizerParts parts;
    parts.added = AddedVocabulary(addedTokens(vocabulary), nullptr);
    PSC_ASSIGN(parts.preTokenizer, makePreTokenizer(rule.preTokenizer));
    PSC_ASSIGN(parts.decoder, makeDecoder(Json {{"type", "ByteLevel"}}));
    BpeOptions options;
    options.ignoreMerges = rule.ignoreMerges;
    parts.model = std::make_unique<BpeModel>(std::move(vocabulary.texts), std::move(table), std::move(options));
    PSC_TRY(readSpecialIds(metadata, rule.addBos, parts));
    return parts;
}

/// SentencePiece merges the two neighbours whose joined token has the best score. As BPE: each way to cut a token in
/// two tokens is a merge, and its rank is the place of the token's score among all scores, the best first.
/// Unknown, control and byte tokens are no text.
Result<MergeTable> mergesFromScores(const GgufVocabulary& vocabulary, const std::vector<double>& scores)
{
    constexpr std::size_t kLongestToken = 1024; // bounds the work on a hostile file; real tokens are far shorter
    std::vector<double> descending = scores;
    std::sort(descending.begin(), descending.end(), std::greater<>());
    descending.erase(std::unique(descending.begin(), descending.end()), descending.end());
    struct Cut
    {
        std::int32_t left;
        std::int32_t right;
        MergeTable::Merge merge;
    };
    std::vector<Cut> cuts;
    for (std::int32_t id = 0; id < vocabulary.texts.idLimit(); ++id) {
        const auto type = static_cast<TokenType>(vocabulary.types[static_cast<std::size_t>(id)]);
        if (type == TokenType::Unknown || type == TokenType::Control || type == TokenType::Byte)
            continue;
        const std::string_view token = *vocabulary.texts.token(id);
        if (token.size() > kLongestToken)
            return corrupt("tokenizer.ggml.tokens[" + std::to_string(id) + "] has " + std::to_string(token.size()) +
                           " bytes; at most " + std::to_string(kLongestToken) + " are read");
        const double score = scores[static_cast<std::size_t>(id)];
        const auto rank = static_cast<std::uint32_t>(
            std::lower_bound(descending.begin(), descending.end(), score, std::greater<>()) - descending.begin());
        std::size_t at = 0;
        while (at < token.size()) {
            nextCodePoint(token, at);
            const auto left = vocabulary.texts.find(token.substr(0, at));
            const auto right = vocabulary.texts.find(token.substr(at));
            if (left && right && at < token.size())
                cuts.push_back({*left, *right, {rank, id}});
        }
    }
    MergeTable table(cuts.size());
    for (const Cut& cut : cuts)
        table.set(cut.left, cut.right, cut.merge);
    return table;
}

/// The one token of that type, or nothing.
std::optional<std::int32_t> firstOfType(const GgufVocabulary& vocabulary, TokenType type)
{
    const auto found = std::find(vocabulary.types.begin(), vocabulary.types.end(), static_cast<std::int64_t>(type));
    if (found == vocabulary.types.end())
        return std::nullopt;
    return static_cast<std::int32_t>(found - vocabulary.types.begin());
}

/// `tokenizer.ggml.model` "llama": SentencePiece BPE with byte fallback. A space before each stretch of text (unless
/// add_space_prefix is false) and all other spaces are U+2581.
Result<TokenizerParts> readSentencePieceBpe(const GgufMetadata& metadata)
{
    PSC_ASSIGN(GgufVocabulary vocabulary, readVocabulary(metadata));
    PSC_ASSIGN(const std::vector<double> scores, metadata.numbers("tokenizer.ggml.scores"));
    if (scores.size() != vocabulary.types.size())
        return corrupt("tokenizer.ggml.scores has " + std::to_string(scores.size()) + " entries for " +
                       std::to_string(vocabulary.types.size()) + " tokens");
    if (!std::all_of(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); }))
        return corrupt("tokenizer.ggml.scores holds a value that is not a finite number");
    PSC_ASSIGN(MergeTable table, mergesFromScores(vocabulary, scores));
    PSC_ASSIGN(const bool spacePrefix, metadata.booleanOr("tokenizer.ggml.add_space_prefix", true));
    const Json space {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}};
    const Json prefix {{"type", "Prepend"}, {"prepend", "▁"}};
    const Json steps = spacePrefix ? Json::array({prefix, space}) : Json::array({space});
    Json decoders = Json::array({Json {{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                                 Json {{"type", "ByteFallback"}}, Json {{"type", "Fuse"}}});
    if (spacePrefix)
        decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    TokenizerParts parts;
    PSC_ASSIGN(parts.normalizer, makeNormalizer({{"type", "Sequence"}, {"normalizers", steps}}));
    PSC_ASSIGN(parts.decoder, makeDecoder({{"type", "Sequence"}, {"decoders", decoders}}));
    parts.added = AddedVocabulary(addedTokens(vocabulary), parts.normalizer.get());
    BpeOptions options;
    options.fuseUnknown = true;
    options.byteFallback = true;
    PSC_ASSIGN(options.unknownId, readId(metadata, "tokenizer.ggml.unknown_token_id", vocabulary.texts));
    if (!options.unknownId)
        options.unknownId = firstOfType(vocabulary, TokenType::Unknown);
    if (!options.unknownId)
        return corrupt("no token stands for unknown text (tokenizer.ggml.unknown_token_id is missing)");
    parts.model = std::make_unique<BpeModel>(std::move(vocabulary.texts), std::move(table), std::move(options));
    PSC_TRY(readSpecialIds(metadata, true, parts));
    return parts;
}

/// The whole tokenizer.json, which says more than the other entries and therefore counts.
Result<TokenizerParts> readEmbeddedJson(const GgufMetadata& metadata)
{
    PSC_ASSIGN(const std::string text, metadata.text("tokenizer.huggingface.json"));
    PSC_ASSIGN(const Json json, parseJson(text, "tokenizer.huggingface.json"));
    PSC_ASSIGN(TokenizerParts parts, readTokenizerJson(json));
    PSC_ASSIGN(parts.bosId, readId(metadata, "tokenizer.ggml.bos_token_id", parts.model->vocabulary()));
    PSC_ASSIGN(parts.eosId, readId(metadata, "tokenizer.ggml.eos_token_id", parts.model->vocabulary()));
    return parts;
}

/// SHA-256 over the entries that decide ids, each as key, type, count and the bytes in the file.
Sha256Digest digestOf(const GgufMetadata& metadata)
{
    constexpr std::array<std::string_view, 13> kKeys {
        "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.bos_token_id",  "tokenizer.ggml.eos_token_id",  "tokenizer.ggml.merges",
        "tokenizer.ggml.model",         "tokenizer.ggml.pre",           "tokenizer.ggml.scores",
        "tokenizer.ggml.token_type",    "tokenizer.ggml.tokens",        "tokenizer.ggml.unknown_token_id",
        "tokenizer.huggingface.json",
    };
    Sha256 hash;
    for (const std::string_view key : kKeys) {
        const GgufValue* value = metadata.find(key);
        if (!value)
            continue;
        hash.update(std::string(key) + "\n" + std::string(ggufValueTypeName(value->type)) +
                    (value->isArray ? "[" + std::to_string(value->count) + "]" : std::string()) + "\n");
        hash.update(value->encoded);
    }
    return hash.finish();
}

Result<TokenizerParts> readMetadata(const GgufMetadata& metadata)
{
    if (!metadata.contains("tokenizer.ggml.model"))
        return Error {ErrorCode::NotFound, "the file has no tokenizer (tokenizer.ggml.model is missing)",
                      "use the Hugging Face folder of the model"};
    if (metadata.contains("tokenizer.huggingface.json"))
        return readEmbeddedJson(metadata);
    PSC_ASSIGN(const std::string model, metadata.text("tokenizer.ggml.model"));
    if (model == "gpt2")
        return readByteLevelBpe(metadata);
    if (model == "llama")
        return readSentencePieceBpe(metadata);
    return unknownPart("tokenizer.ggml.model", model, {"gpt2", "llama"});
}

} // namespace

Result<TokenizerParts> readTokenizerGguf(const std::filesystem::path& path)
{
    PSC_ASSIGN(const GgufFile file, GgufFile::open(path));
    auto parts = readMetadata(file.metadata());
    if (!parts.ok())
        return parts.error().withContext(path.string());
    parts.value().digest = digestOf(file.metadata());
    return parts;
}

} // namespace paretoscope::core
