// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// GPT-2's alphabet: every byte has a printable character (the byte itself where it is printable Latin-1, else one from
/// U+0100 on), so that byte sequences can be stored as text.
void appendByteLevel(std::string_view bytes, std::string& out);

/// The byte of a character of that alphabet.
std::optional<std::uint8_t> byteOfCharacter(char32_t point);

/// GPT-2's splitting rule.
inline constexpr std::string_view kByteLevelRegex =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

} // namespace paretoscope::core
