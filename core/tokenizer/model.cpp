// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/model.h"

#include "core/tokenizer/bpe_model.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/unigram_model.h"
#include "core/tokenizer/word_models.h"

namespace paretoscope::core {

namespace {

/// Files of old library versions have no "type"; the fields tell the model apart, as they do in the library.
std::string typeOf(const Json& part)
{
    const auto type = part.find("type");
    if (type != part.end())
        return type->is_string() ? type->get<std::string>() : shortJson(*type);
    if (part.contains("merges"))
        return "BPE";
    if (part.contains("max_input_chars_per_word"))
        return "WordPiece";
    const auto vocab = part.find("vocab");
    if (vocab != part.end() && vocab->is_array())
        return "Unigram";
    return "WordLevel";
}

} // namespace

Result<std::unique_ptr<Model>> makeModel(const Json& part)
{
    if (!part.is_object())
        return Error {ErrorCode::Corrupt, "model must be an object, but is " + shortJson(part),
                      "save the tokenizer again with the library that made it"};
    const std::string type = typeOf(part);
    if (type == "BPE")
        return BpeModel::fromJson(part);
    if (type == "Unigram")
        return UnigramModel::fromJson(part);
    if (type == "WordPiece")
        return WordPieceModel::fromJson(part);
    if (type == "WordLevel")
        return WordLevelModel::fromJson(part);
    return unknownPart("model", type, {"BPE", "Unigram", "WordLevel", "WordPiece"});
}

} // namespace paretoscope::core
