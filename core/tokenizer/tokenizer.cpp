// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer.h"

#include "core/tokenizer/tokenizer_parts.h"
#include "core/tokenizer/utf8.h"
#include "core/tokenizer/workspace.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace paretoscope::core {

struct Tokenizer::Impl
{
    TokenizerParts parts;
    mutable WorkspacePool workspaces;

    void encodeText(std::string_view text, bool startsText, Workspace& workspace, std::vector<std::int32_t>& ids) const;
    void encodePieces(Workspace& workspace, std::vector<std::int32_t>& ids) const;
    std::vector<std::string> tokensOf(std::span<const std::int32_t> ids, bool skipSpecial) const;
};

namespace {

/// Borrows a workspace for one call.
class BorrowedWorkspace
{
public:
    explicit BorrowedWorkspace(WorkspacePool& pool)
        : m_pool(pool)
        , m_workspace(pool.take())
    {}
    ~BorrowedWorkspace() { m_pool.giveBack(std::move(m_workspace)); }
    BorrowedWorkspace(const BorrowedWorkspace&) = delete;
    BorrowedWorkspace& operator=(const BorrowedWorkspace&) = delete;
    Workspace& operator*() { return *m_workspace; }

private:
    WorkspacePool& m_pool;
    std::unique_ptr<Workspace> m_workspace;
};

} // namespace

Result<Tokenizer> Tokenizer::load(const std::filesystem::path& model)
{
    std::error_code ignored;
    const bool isFile = std::filesystem::is_regular_file(model, ignored);
    PSC_ASSIGN(TokenizerParts parts, isFile ? readTokenizerGguf(model) : readTokenizerFolder(model));
    auto impl = std::make_unique<Impl>();
    impl->parts = std::move(parts);
    return Tokenizer(std::move(impl));
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl)
    : m_impl(std::move(impl))
{}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool addSpecial) const
{
    std::string repaired;
    if (firstInvalidUtf8(text)) {
        repaired = replaceInvalidUtf8(text);
        text = repaired;
    }
    const PostProcessor& post = m_impl->parts.postProcessor;
    std::vector<std::int32_t> ids;
    if (addSpecial)
        ids = post.before;
    std::vector<TextFragment> fragments;
    m_impl->parts.added.split(text, false, fragments);
    BorrowedWorkspace workspace(m_impl->workspaces);
    for (const TextFragment& fragment : fragments) {
        if (fragment.id >= 0)
            ids.push_back(fragment.id);
        else
            m_impl->encodeText(text.substr(fragment.begin, fragment.end - fragment.begin), fragment.begin == 0,
                               *workspace, ids);
    }
    if (addSpecial)
        ids.insert(ids.end(), post.behind.begin(), post.behind.end());
    return ids;
}

void Tokenizer::Impl::encodeText(std::string_view text, bool startsText, Workspace& workspace,
                                 std::vector<std::int32_t>& ids) const
{
    std::string normalized(text);
    if (parts.normalizer)
        normalized = parts.normalizer->normalize(std::move(normalized), workspace.patterns);
    std::vector<TextFragment> fragments;
    parts.added.split(normalized, true, fragments);
    for (const TextFragment& fragment : fragments) {
        if (fragment.id >= 0) {
            ids.push_back(fragment.id);
            continue;
        }
        workspace.pieces.clear();
        workspace.pieces.text.assign(normalized, fragment.begin, fragment.end - fragment.begin);
        workspace.pieces.pieces.push_back({0, workspace.pieces.text.size(), startsText && fragment.begin == 0});
        if (parts.preTokenizer)
            parts.preTokenizer->apply(workspace);
        encodePieces(workspace, ids);
    }
}

void Tokenizer::Impl::encodePieces(Workspace& workspace, std::vector<std::int32_t>& ids) const
{
    for (const Piece& piece : workspace.pieces.pieces) {
        const std::string_view word = workspace.pieces.view(piece);
        if (word.size() > WordCache::kLongestWord) {
            parts.model->encode(word, workspace, ids);
            continue;
        }
        const WordCache::Lookup known = workspace.cache.find(word);
        if (known.found) {
            ids.insert(ids.end(), known.ids.begin(), known.ids.end());
            continue;
        }
        const std::size_t start = ids.size();
        parts.model->encode(word, workspace, ids);
        workspace.cache.insert(known, word, std::span(ids).subspan(start));
    }
}

std::vector<std::string> Tokenizer::Impl::tokensOf(std::span<const std::int32_t> ids, bool skipSpecial) const
{
    std::vector<std::string> tokens;
    tokens.reserve(ids.size());
    for (const std::int32_t id : ids) {
        if (const AddedToken* added = parts.added.find(id)) {
            if (!skipSpecial || !added->special)
                tokens.push_back(added->decoded);
        } else if (const auto token = parts.model->vocabulary().token(id)) {
            tokens.emplace_back(*token);
        }
    }
    return tokens;
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids, bool skipSpecial) const
{
    const TokenizerParts& parts = m_impl->parts;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!parts.added.find(ids[i]) && !parts.model->vocabulary().token(ids[i]))
            return Error {ErrorCode::InvalidArgument,
                          "token id " + std::to_string(ids[i]) + " at position " + std::to_string(i) +
                              " is not in the vocabulary",
                          "ids of this tokenizer lie between 0 and " + std::to_string(vocabularySize() - 1)};
    }
    std::vector<std::string> tokens = m_impl->tokensOf(ids, skipSpecial);
    const std::string_view separator = parts.decoder ? "" : " ";
    if (parts.decoder)
        tokens = parts.decoder->decode(std::move(tokens));
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (i > 0)
            text += separator;
        text += tokens[i];
    }
    return text;
}

std::int64_t Tokenizer::vocabularySize() const
{
    return std::max(m_impl->parts.model->vocabulary().idLimit(), m_impl->parts.added.idLimit());
}

std::optional<std::int32_t> Tokenizer::bosId() const
{
    return m_impl->parts.bosId;
}

std::optional<std::int32_t> Tokenizer::eosId() const
{
    return m_impl->parts.eosId;
}

const Sha256Digest& Tokenizer::digest() const
{
    return m_impl->parts.digest;
}

} // namespace paretoscope::core
