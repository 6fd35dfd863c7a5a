// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer_parts.h"

#include "core/checkpoint/gguf_file.h"
#include "core/tokenizer/bpe_model.h"
#include "core/tokenizer/gguf_pre_tokenizer.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#include <array>
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
    Vocabulary vocabulary;
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
    PSC_ASSIGN(result.vocabulary, Vocabulary::fromList(tokens, "tokenizer.ggml.tokens"));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::int32_t found = *result.vocabulary.find(tokens[i]);
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
        const std::string content(*vocabulary.vocabulary.token(id));
        if (!content.empty())
            added.push_back({.content = content, .id = id, .special = type != TokenType::UserDefined});
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
    PSC_ASSIGN(MergeTable table, makeMergeTable(merges, vocabulary.vocabulary, 0, "tokenizer.ggml.merges"));
    TokenizerParts parts;
    parts.added = AddedVocabulary(addedTokens(vocabulary), nullptr);
    PSC_ASSIGN(parts.preTokenizer, makePreTokenizer(rule.preTokenizer));
    PSC_ASSIGN(parts.decoder, makeDecoder(Json {{"type", "ByteLevel"}}));
    BpeOptions options;
    options.ignoreMerges = rule.ignoreMerges;
    parts.model = std::make_unique<BpeModel>(std::move(vocabulary.vocabulary), std::move(table), std::move(options));
    PSC_TRY(readSpecialIds(metadata, rule.addBos, parts));
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
    PSC_ASSIGN(const std::string model, metadata.text("tokenizer.ggml.model"));
    if (model == "gpt2")
        return readByteLevelBpe(metadata);
    return unknownPart("tokenizer.ggml.model", model, {"gpt2"});
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
