// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/model.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

class PartReader;

/// The merges of BPE: pair of ids -> rank and id of the merged token. Open addressing.
class MergeTable
{
public:
    struct Merge
    {
        std::uint32_t rank = 0;
        std::int32_t id = 0;
    };

    explicit MergeTable(std::size_t count);
    /// A pair that is there already gets the new merge, as in the reference library.
    void set(std::int32_t left, std::int32_t right, Merge merge);
    /// The merge of two neighbours, or null.
    const Merge* find(std::int32_t left, std::int32_t right) const;

private:
    struct Slot
    {
        std::uint64_t pair = ~std::uint64_t(0); ///< all bits set = free (ids are not negative)
        Merge merge;
    };
    std::size_t slotOf(std::uint64_t pair) const;

    std::vector<Slot> m_slots;
    int m_shift = 0;
};

struct BpeOptions
{
    std::optional<std::int32_t> unknownId;
    std::string continuingPrefix; ///< put before every character but the first of a piece
    std::string wordSuffix;       ///< put behind the last character
    bool fuseUnknown = false;
    bool byteFallback = false; ///< a character without token becomes the tokens <0xNN> of its bytes
    bool ignoreMerges = false; ///< a piece that is a token as a whole needs no merges
};

/// Byte-pair encoding: characters, then the merge of lowest rank (leftmost first) until none applies.
/// Characters without token and without substitute vanish.
class BpeModel : public Model
{
public:
    /// The object `model` of tokenizer.json. Errors: Corrupt, Unsupported (dropout).
    static Result<std::unique_ptr<Model>> fromJson(const Json& part);

    BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options);

    void encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const override;

private:
    void addCharacters(std::string_view piece, Workspace& workspace) const;
    bool addBytes(std::string_view character, std::vector<Workspace::Symbol>& symbols) const;
    void offer(std::int32_t left, std::int32_t right, Workspace& workspace) const;
    void mergeAll(Workspace& workspace) const;

    MergeTable m_merges;
    BpeOptions m_options;
    std::array<std::int32_t, 256> m_byteIds {}; ///< of <0x00> ... <0xFF>, -1 = none
};

struct TokenPair
{
    std::string left;
    std::string right;
};

/// The rank of a merge is its place in the list. The merged token is `left` and `right` joined, without the
/// `prefixLength` bytes of the continuing prefix that `right` begins with.
/// Errors: Corrupt (a token that is not in the vocabulary; `place` names the list).
Result<MergeTable> makeMergeTable(const std::vector<TokenPair>& merges, const Vocabulary& vocabulary,
                                  std::size_t prefixLength, std::string_view place);

/// "<0x0A>" for 10: how byte fallback spells a byte.
std::string byteToken(std::uint8_t byte);

} // namespace paretoscope::core
