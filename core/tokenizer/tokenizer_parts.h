// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"
#include "core/tokenizer/added_vocabulary.h"
#include "core/tokenizer/decoder.h"
#include "core/tokenizer/model.h"
#include "core/tokenizer/normalizer.h"
#include "core/tokenizer/post_processor.h"
#include "core/tokenizer/pre_tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace paretoscope::core {

/// What a tokenizer consists of, whichever file it comes from.
struct TokenizerParts
{
    std::unique_ptr<Normalizer> normalizer;     ///< may be null
    std::unique_ptr<PreTokenizer> preTokenizer; ///< may be null
    std::unique_ptr<Model> model;
    AddedVocabulary added;
    PostProcessor postProcessor;
    std::unique_ptr<Decoder> decoder; ///< null: tokens are joined by spaces
    std::optional<std::int32_t> bosId;
    std::optional<std::int32_t> eosId;
    Sha256Digest digest;
};

/// The parts that a parsed tokenizer.json states; no ids of BOS and EOS and no digest yet. The fields `truncation` and
/// `padding` are not applied: a text is always encoded as a whole. Errors: Corrupt, Unsupported; each names the part.
Result<TokenizerParts> readTokenizerJson(const Json& json);

/// From a folder with tokenizer.json; BOS and EOS from tokenizer_config.json, special_tokens_map.json or config.json.
/// Errors: NotFound, Io, Corrupt, Unsupported; each names the file and the part.
Result<TokenizerParts> readTokenizerFolder(const std::filesystem::path& folder);

/// From the metadata of a .gguf file. The digest covers the entries that decide ids.
/// Errors: NotFound, Io, Corrupt, Unsupported (kind of tokenizer or splitting rule not known, or not stated).
Result<TokenizerParts> readTokenizerGguf(const std::filesystem::path& path);

} // namespace paretoscope::core
