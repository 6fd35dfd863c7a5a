// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/word_models.h"

#include "core/tokenizer/part_reader.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

bool beginsCharacter(char byte)
{
    return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
}

Result<std::int32_t> unknownIdOf(const Vocabulary& vocabulary, const std::string& token)
{
    if (const auto id = vocabulary.find(token))
        return *id;
    return Error {ErrorCode::Corrupt,
                  "model.unk_token is " + shortJson(Json(token)) + ", which is not in the vocabulary",
                  "save the tokenizer again with the library that made it"};
}

} // namespace

Result<std::unique_ptr<Model>> WordPieceModel::fromJson(const Json& json)
{
    constexpr std::int64_t kMostCharacters = std::int64_t(1) << 20;
    PartReader part(json, "model");
    part.ignore("type"); // makeModel has read it
    const std::string unknown = part.string("unk_token", "[UNK]");
    std::string prefix = part.string("continuing_subword_prefix", "##");
    const std::int64_t most = part.integer("max_input_chars_per_word", 0, kMostCharacters, 100);
    const Json& vocab = part.object("vocab");
    PSC_TRY(part.finish());
    PSC_ASSIGN(Vocabulary vocabulary, Vocabulary::fromJson(vocab, "model.vocab"));
    PSC_ASSIGN(const std::int32_t unknownId, unknownIdOf(vocabulary, unknown));
    std::unique_ptr<WordPieceModel> model(new WordPieceModel(std::move(vocabulary)));
    model->m_prefix = std::move(prefix);
    model->m_mostCharacters = most;
    model->m_unknownId = unknownId;
    return std::unique_ptr<Model>(std::move(model));
}

void WordPieceModel::encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const
{
    const std::size_t start = ids.size();
    const auto giveUp = [&] {
        ids.resize(start);
        ids.push_back(m_unknownId);
    };
    if (std::count_if(piece.begin(), piece.end(), beginsCharacter) > m_mostCharacters)
        return giveUp();
    std::string& token = workspace.text;
    for (std::size_t begin = 0; begin < piece.size();) {
        token.assign(begin > 0 ? m_prefix : std::string());
        const std::size_t prefixLength = token.size();
        token += piece.substr(begin);
        auto id = vocabulary().find(token);
        while (!id && token.size() > prefixLength) {
            while (!beginsCharacter(token.back()))
                token.pop_back();
            token.pop_back();
            if (token.size() > prefixLength)
                id = vocabulary().find(token);
        }
        if (!id)
            return giveUp();
        ids.push_back(*id);
        begin += token.size() - prefixLength;
    }
}

Result<std::unique_ptr<Model>> WordLevelModel::fromJson(const Json& json)
{
    PartReader part(json, "model");
    part.ignore("type"); // makeModel has read it
    const std::string unknown = part.string("unk_token", "<unk>");
    const Json& vocab = part.object("vocab");
    PSC_TRY(part.finish());
    PSC_ASSIGN(Vocabulary vocabulary, Vocabulary::fromJson(vocab, "model.vocab"));
    PSC_ASSIGN(const std::int32_t unknownId, unknownIdOf(vocabulary, unknown));
    std::unique_ptr<WordLevelModel> model(new WordLevelModel(std::move(vocabulary)));
    model->m_unknownId = unknownId;
    return std::unique_ptr<Model>(std::move(model));
}

void WordLevelModel::encode(std::string_view piece, Workspace&, std::vector<std::int32_t>& ids) const
{
    ids.push_back(vocabulary().find(piece).value_or(m_unknownId));
}

} // namespace paretoscope::core
