// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// The code point that begins at byte `at` of valid UTF-8; `at` moves behind it.
inline char32_t nextCodePoint(std::string_view text, std::size_t& at)
{
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const char32_t lead = byte(at);
    if (lead < 0x80) {
        at += 1;
        return lead;
    }
    if (lead < 0xe0) {
        const char32_t point = ((lead & 0x1fU) << 6) | (byte(at + 1) & 0x3fU);
        at += 2;
        return point;
    }
    if (lead < 0xf0) {
        const char32_t point = ((lead & 0x0fU) << 12) | ((byte(at + 1) & 0x3fU) << 6) | (byte(at + 2) & 0x3fU);
        at += 3;
        return point;
    }
    const char32_t point = ((lead & 0x07U) << 18) | ((byte(at + 1) & 0x3fU) << 12) | ((byte(at + 2) & 0x3fU) << 6) |
                           (byte(at + 3) & 0x3fU);
    at += 4;
    return point;
}

/// The code point that ends before byte `at` (> 0) of valid UTF-8; `at` moves to its beginning.
char32_t previousCodePoint(std::string_view text, std::size_t& at);

void appendUtf8(char32_t point, std::string& out);

/// Position of the first byte that does not continue valid UTF-8; nothing when all of `text` is valid.
std::optional<std::size_t> firstInvalidUtf8(std::string_view text);

/// Each maximal ill-formed part (Unicode chapter 3, "substitution of maximal subparts") becomes one U+FFFD.
std::string replaceInvalidUtf8(std::string_view text);

/// Properties as the reference tokenizers read them, from ICU's tables.
bool isWhiteSpace(char32_t point);     ///< White_Space
bool isNumber(char32_t point);         ///< general category Nd, Nl or No
bool isPunctuation(char32_t point);    ///< ASCII punctuation and symbols, or general category P
bool isMark(char32_t point);           ///< general category M
bool isNonSpacingMark(char32_t point); ///< general category Mn
bool isOther(char32_t point);          ///< general category Cc, Cf or Co (not the unassigned)
bool isWordCharacter(char32_t point);  ///< Alphabetic, M, Nd, Pc or Join_Control

} // namespace paretoscope::core
