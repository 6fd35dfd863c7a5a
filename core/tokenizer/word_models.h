// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/model.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// BERT's WordPiece: the longest token that fits, then the longest continuation (with a prefix such as "##"), and so
/// on. A word that cannot be covered, or is too long, is one unknown token.
class WordPieceModel : public Model
{
public:
    /// The object `model` of tokenizer.json. Errors: Corrupt, Unsupported.
    static Result<std::unique_ptr<Model>> fromJson(const Json& part);

    void encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const override;

private:
    using Model::Model;

    std::string m_prefix;
    std::int64_t m_mostCharacters = 0;
    std::int32_t m_unknownId = 0;
};

/// Each piece is one token, or the unknown one.
class WordLevelModel : public Model
{
public:
    /// The object `model` of tokenizer.json. Errors: Corrupt, Unsupported.
    static Result<std::unique_ptr<Model>> fromJson(const Json& part);

    void encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const override;

private:
    using Model::Model;

    std::int32_t m_unknownId = 0;
};

} // namespace paretoscope::core
