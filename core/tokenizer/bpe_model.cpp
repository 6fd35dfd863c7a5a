// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/bpe_model.h"

#include "core/base/assert.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace paretoscope::core {

MergeTable::MergeTable(std::size_t count)
{
    const std::size_t slots = std::bit_ceil(2 * count + 2); // at most half full
    m_slots.resize(slots);
    m_shift = 64 - std::countr_zero(slots);
}

std::size_t MergeTable::slotOf(std::uint64_t pair) const
{
    return (pair * 0x9e3779b97f4a7c15U) >> m_shift; // Fibonacci hashing: the high bits are the mixed ones
}

void MergeTable::set(std::int32_t left, std::int32_t right, Merge merge)
{
    const std::uint64_t pair = (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint64_t>(right);
    std::size_t slot = slotOf(pair);
    while (m_slots[slot].pair != ~std::uint64_t(0) && m_slots[slot].pair != pair)
        slot = (slot + 1) & (m_slots.size() - 1);
    m_slots[slot] = {pair, merge};
}

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const
{
    const std::uint64_t pair = (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint64_t>(right);
    std::size_t slot = slotOf(pair);
    while (m_slots[slot].pair != ~std::uint64_t(0)) {
        if (m_slots[slot].pair == pair)
            return &m_slots[slot].merge;
        slot = (slot + 1) & (m_slots.size() - 1);
    }
    return nullptr;
}

namespace {

bool isLater(const Workspace::Merge& a, const Workspace::Merge& b)
{
    return a.key > b.key;
}

} // namespace

std::string byteToken(std::uint8_t byte)
{
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

BpeModel::BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
    : Model(std::move(vocabulary))
    , m_merges(std::move(merges))
    , m_options(std::move(options))
{
    for (unsigned byte = 0; byte < 256; ++byte)
        m_byteIds[byte] = this->vocabulary().find(byteToken(static_cast<std::uint8_t>(byte))).value_or(-1);
}

void BpeModel::encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const
{
    if (m_options.ignoreMerges) {
        if (const auto id = vocabulary().find(piece)) {
            ids.push_back(*id);
            return;
        }
    }
    PSC_ASSERT(piece.size() < std::numeric_limits<std::int32_t>::max(), "a piece of 2 GiB");
    addCharacters(piece, workspace);
    mergeAll(workspace);
    for (const Workspace::Symbol& symbol : workspace.symbols) {
        if (symbol.id >= 0)
            ids.push_back(symbol.id);
    }
}

bool BpeModel::addBytes(std::string_view character, std::vector<Workspace::Symbol>& symbols) const
{
    const auto idOf = [&](char c) { return m_byteIds[static_cast<unsigned char>(c)]; };
    if (!std::all_of(character.begin(), character.end(), [&](char c) { return idOf(c) >= 0; }))
        return false;
    for (const char c : character)
        symbols.push_back({idOf(c)});
    return true;
}

void BpeModel::addCharacters(std::string_view piece, Workspace& workspace) const
{
    std::vector<Workspace::Symbol>& symbols = workspace.symbols;
    symbols.clear();
    const bool decorated = !m_options.continuingPrefix.empty() || !m_options.wordSuffix.empty();
    bool pendingUnknown = false; // written when the next known character or the end comes, as the reference does
    std::size_t at = 0;
    while (at < piece.size()) {
        const std::size_t begin = at;
        nextCodePoint(piece, at);
        std::string_view character = piece.substr(begin, at - begin);
        if (decorated) {
            workspace.text.assign(begin > 0 ? m_options.continuingPrefix : std::string());
            workspace.text += character;
            if (at == piece.size())
                workspace.text += m_options.wordSuffix;
            character = workspace.text;
        }
        if (const auto id = vocabulary().find(character)) {
            if (pendingUnknown)
                symbols.push_back({*m_options.unknownId});
            pendingUnknown = false;
            symbols.push_back({*id});
            continue;
        }
        if (m_options.byteFallback && addBytes(character, symbols))
            continue;
        if (!m_options.unknownId)
            continue;
        if (pendingUnknown && !m_options.fuseUnknown)
            symbols.push_back({*m_options.unknownId});
        pendingUnknown = true;
    }
    if (pendingUnknown)
        symbols.push_back({*m_options.unknownId});
}

/// Queues the merge of two neighbours, if there is one.
void BpeModel::offer(std::int32_t left, std::int32_t right, Workspace& workspace) const
{
    if (left < 0 || right < 0)
        return;
    const std::vector<Workspace::Symbol>& symbols = workspace.symbols;
    const MergeTable::Merge* merge =
        m_merges.find(symbols[static_cast<std::size_t>(left)].id, symbols[static_cast<std::size_t>(right)].id);
    if (!merge)
        return;
    const std::uint64_t key = (std::uint64_t(merge->rank) << 32) | static_cast<std::uint32_t>(left);
    workspace.merges.push_back({key, merge->id});
    std::push_heap(workspace.merges.begin(), workspace.merges.end(), isLater);
}

void BpeModel::mergeAll(Workspace& workspace) const
{
    std::vector<Workspace::Merge>& queue = workspace.merges;
    const auto at = [&](std::int32_t index) -> Workspace::Symbol& {
        return workspace.symbols[static_cast<std::size_t>(index)];
    };
    queue.clear();
    const auto count = static_cast<std::int32_t>(workspace.symbols.size());
    for (std::int32_t i = 0; i < count; ++i) {
        at(i).previous = i - 1;
        at(i).next = i + 1 < count ? i + 1 : -1;
        offer(i, at(i).next, workspace);
    }
    while (!queue.empty()) {
        const Workspace::Merge top = queue.front();
        std::pop_heap(queue.begin(), queue.end(), isLater);
        queue.pop_back();
        const auto left = static_cast<std::int32_t>(top.key & 0xffffffffU);
        if (at(left).id < 0 || at(left).next < 0)
            continue;
        const std::int32_t right = at(left).next;
        const MergeTable::Merge* merge = m_merges.find(at(left).id, at(right).id);
        if (!merge || merge->id != top.id) // the neighbours have changed since this was queued
            continue;
        at(left).id = top.id;
        at(left).next = at(right).next;
        at(right).id = -1;
        if (at(left).next >= 0)
            at(at(left).next).previous = left;
        offer(at(left).previous, left, workspace);
        offer(left, at(left).next, workspace);
    }
}

Result<MergeTable> makeMergeTable(const std::vector<TokenPair>& merges, const Vocabulary& vocabulary,
                                  std::size_t prefixLength, std::string_view place)
{
    MergeTable table(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        const auto& [left, right] = merges[rank];
        std::array<std::int32_t, 3> ids {};
        const std::array<std::string, 3> tokens {left, right,
                                                 left + right.substr(std::min(prefixLength, right.size()))};
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const auto id = vocabulary.find(tokens[i]);
            if (!id)
                return Error {ErrorCode::Corrupt,
                              std::string(place) + "[" + std::to_string(rank) + "]: the token " +
                                  shortJson(Json(tokens[i])) + " is not in the vocabulary",
                              "save the tokenizer again with the library that made it"};
            ids[i] = *id;
        }
        table.set(ids[0], ids[1], {static_cast<std::uint32_t>(rank), ids[2]});
    }
    return table;
}

namespace {

/// Each `["a", "b"]` or, in older files, `"a b"`.
Result<std::vector<TokenPair>> readMerges(const Json& merges)
{
    std::vector<TokenPair> pairs;
    pairs.reserve(merges.size());
    for (const Json& merge : merges) {
        if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            pairs.push_back({merge[0].get<std::string>(), merge[1].get<std::string>()});
            continue;
        }
        const std::string text = merge.is_string() ? merge.get<std::string>() : std::string();
        const std::size_t space = text.find(' ');
        if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
            return Error {ErrorCode::Corrupt,
                          "model.merges[" + std::to_string(pairs.size()) + "] must be two tokens, but is " +
                              shortJson(merge),
                          "save the tokenizer again with the library that made it"};
        pairs.push_back({text.substr(0, space), text.substr(space + 1)});
    }
    return pairs;
}

} // namespace

Result<std::unique_ptr<Model>> BpeModel::fromJson(const Json& json)
{
    PartReader part(json, "model");
    part.ignore("type"); // makeModel has read it
    if (const Json& dropout = part.any("dropout"); !dropout.is_null() && dropout != Json(0.0))
        part.fail(ErrorCode::Unsupported, "model.dropout is " + shortJson(dropout) + ", which makes the ids random",
                  "set it to null");
    const auto unknown = part.stringOrNull("unk_token");
    BpeOptions options;
    options.continuingPrefix = part.stringOrNull("continuing_subword_prefix").value_or("");
    options.wordSuffix = part.stringOrNull("end_of_word_suffix").value_or("");
    options.fuseUnknown = part.boolean("fuse_unk", false);
    options.byteFallback = part.boolean("byte_fallback", false);
    options.ignoreMerges = part.boolean("ignore_merges", false);
    const Json& vocab = part.object("vocab");
    const Json& merges = part.array("merges");
    PSC_TRY(part.finish());
    PSC_ASSIGN(Vocabulary vocabulary, Vocabulary::fromJson(vocab, "model.vocab"));
    if (unknown) {
        options.unknownId = vocabulary.find(*unknown);
        if (!options.unknownId)
            return Error {ErrorCode::Corrupt,
                          "model.unk_token is " + shortJson(Json(*unknown)) + ", which is not in the vocabulary",
                          "save the tokenizer again with the library that made it"};
    }
    PSC_ASSIGN(const std::vector<TokenPair> pairs, readMerges(merges));
    PSC_ASSIGN(MergeTable table, makeMergeTable(pairs, vocabulary, options.continuingPrefix.size(), "model.merges"));
    return std::unique_ptr<Model>(
        std::make_unique<BpeModel>(std::move(vocabulary), std::move(table), std::move(options)));
}

} // namespace paretoscope::core
