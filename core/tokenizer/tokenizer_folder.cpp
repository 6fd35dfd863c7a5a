// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer_parts.h"

#include "core/base/json.h"
#include "core/base/mapped_file.h"
#include "core/tokenizer/part_reader.h"

#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::size_t kLargestFile = std::size_t(64) << 20; // vocabularies of 262,144 tokens need 35 MB

/// Refuses a chain of parts that makes text grow by orders of magnitude; honest ones stay below a hundred.
Status checkGrowth(double growth, std::string_view place)
{
    constexpr double kMost = 10'000;
    if (growth <= kMost)
        return success();
    return Error {ErrorCode::Corrupt, std::string(place) + " may make text more than 10000 times longer",
                  "this is no tokenizer of a model; get the file from its source again"};
}

} // namespace

Result<TokenizerParts> readTokenizerJson(const Json& json)
{
    PartReader file(json, "tokenizer");
    const std::string version = file.string("version", std::string("1.0"));
    file.ignore("truncation");
    file.ignore("padding");
    const Json& addedTokens = file.any("added_tokens");
    const Json& normalizer = file.any("normalizer");
    const Json& preTokenizer = file.any("pre_tokenizer");
    const Json& model = file.object("model");
    const Json& postProcessor = file.any("post_processor");
    const Json& decoder = file.any("decoder");
    PSC_TRY(file.finish());
    if (version != "1.0")
        return Error {ErrorCode::Unsupported, "version is " + shortJson(Json(version)) + "; only \"1.0\" is known",
                      "use a newer version of Paretoscope"};
    TokenizerParts parts;
    if (!normalizer.is_null()) {
        PSC_ASSIGN(parts.normalizer, makeNormalizer(normalizer));
        PSC_TRY(checkGrowth(parts.normalizer->growth(), "normalizer"));
    }
    if (!preTokenizer.is_null()) {
        PSC_ASSIGN(parts.preTokenizer, makePreTokenizer(preTokenizer));
        PSC_TRY(checkGrowth(parts.preTokenizer->growth(), "pre_tokenizer"));
    }
    PSC_ASSIGN(parts.model, makeModel(model));
    PSC_ASSIGN(auto tokens, AddedVocabulary::fromJson(addedTokens, parts.model->vocabulary()));
    parts.added = AddedVocabulary(std::move(tokens), parts.normalizer.get());
    if (!postProcessor.is_null()) {
        PSC_ASSIGN(parts.postProcessor, makePostProcessor(postProcessor));
    }
    if (!decoder.is_null()) {
        PSC_ASSIGN(parts.decoder, makeDecoder(decoder));
        PSC_TRY(checkGrowth(parts.decoder->growth(), "decoder"));
    }
    return parts;
}

namespace {

/// The JSON object in `path`; null when there is no such file.
Result<Json> readOptionalObject(const std::filesystem::path& path)
{
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
        return Json();
    PSC_ASSIGN(const std::string text, readTextFile(path, kLargestFile));
    PSC_ASSIGN(Json json, parseJson(text, path.string()));
    if (!json.is_object())
        return Error {ErrorCode::Corrupt, path.string() + " must hold an object, but holds " + shortJson(json),
                      "correct the file"};
    return json;
}

std::optional<std::int32_t> idOf(const TokenizerParts& parts, const std::string& token)
{
    const auto added = parts.added.find(token);
    return added ? added : parts.model->vocabulary().find(token);
}

/// "bos_token": "<s>", {"content": "<s>"} or null; config.json has "bos_token_id": 1, [1, 2] or null.
/// The first file that has the field decides, with null too.
std::optional<std::int32_t> specialId(const TokenizerParts& parts, const std::array<Json, 3>& files,
                                      const std::string& name)
{
    for (const Json& file : files) {
        const auto token = file.find(name);
        if (file.is_object() && token != file.end()) {
            if (token->is_string())
                return idOf(parts, token->get<std::string>());
            if (token->is_object() && token->contains("content") && token->at("content").is_string())
                return idOf(parts, token->at("content").get<std::string>());
            return std::nullopt;
        }
        const auto id = file.find(name + "_id");
        if (file.is_object() && id != file.end()) {
            const Json& first = id->is_array() && !id->empty() ? id->front() : *id;
            if (first.is_number_unsigned() && first.get<std::uint64_t>() <= Vocabulary::kLargestId)
                return first.get<std::int32_t>();
            return std::nullopt;
        }
    }
    return std::nullopt;
}

Error noTokenizer(const std::filesystem::path& folder)
{
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored))
        return {ErrorCode::NotFound, folder.string() + " does not exist", "check the path"};
    for (const std::string_view other : {"tokenizer.model", "vocab.json", "vocab.txt", "tiktoken.model"}) {
        if (std::filesystem::exists(folder / other, ignored))
            return {ErrorCode::NotFound,
                    folder.string() + " has " + std::string(other) + " but no tokenizer.json, which is read here",
                    "make one: AutoTokenizer.from_pretrained(folder).save_pretrained(folder) with transformers"};
    }
    return {ErrorCode::NotFound, folder.string() + " has no tokenizer.json",
            "give the folder of a Hugging Face model or a .gguf file"};
}

} // namespace

Result<TokenizerParts> readTokenizerFolder(const std::filesystem::path& folder)
{
    const std::filesystem::path path = folder / "tokenizer.json";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
        return noTokenizer(folder);
    PSC_ASSIGN(const std::string text, readTextFile(path, kLargestFile));
    PSC_ASSIGN(const Json json, parseJson(text, path.string()));
    auto read = readTokenizerJson(json);
    if (!read.ok())
        return read.error().withContext(path.string());
    TokenizerParts parts = std::move(read).value();
    parts.digest = sha256(text);
    std::array<Json, 3> files;
    constexpr std::array<std::string_view, 3> kNames {"tokenizer_config.json", "special_tokens_map.json",
                                                      "config.json"};
    for (std::size_t i = 0; i < files.size(); ++i) {
        PSC_ASSIGN(files[i], readOptionalObject(folder / kNames[i]));
    }
    parts.bosId = specialId(parts, files, "bos_token");
    parts.eosId = specialId(parts, files, "eos_token");
    return parts;
}

} // namespace paretoscope::core
