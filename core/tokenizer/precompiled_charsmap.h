// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// SentencePiece's compiled replacement rules: a double-array trie (Darts) from byte sequences to places in a block of
/// NUL-terminated texts. Layout: u32 size of the trie in bytes, the trie's u32 units, the texts; little-endian.
class PrecompiledCharsmap
{
public:
    /// From base64, as tokenizer.json has it. Errors: Corrupt (`place` names the field).
    static Result<PrecompiledCharsmap> fromBase64(std::string_view text, std::string_view place);

    /// Each grapheme (below 6 bytes) that has a rule is replaced, else each of its characters that has one. Like the
    /// reference library, a rule counts when it matches the beginning of the grapheme, the shortest such rule first.
    std::string normalize(std::string_view text) const;
    double growth() const; ///< bytes of the longest replacement

private:
    std::optional<std::string_view> replacement(std::string_view chunk) const;
    void appendGrapheme(std::string_view grapheme, std::string& out) const;
    void appendByGraphemes(std::string_view text, std::string& out) const;

    std::vector<std::uint32_t> m_units;
    std::string m_texts;
};

} // namespace paretoscope::core
