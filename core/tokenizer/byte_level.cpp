// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/byte_level.h"

#include "core/tokenizer/utf8.h"

#include <array>

namespace paretoscope::core {

namespace {

constexpr bool standsForItself(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/// All characters of the alphabet lie below U+0144.
constexpr std::size_t kHighest = 0x144;

struct Alphabet
{
    std::array<std::array<char, 2>, 256> text {}; ///< UTF-8 of each byte's character
    std::array<std::uint8_t, 256> length {};
    std::array<std::int16_t, kHighest> byte {}; ///< -1 = not in the alphabet
};

constexpr Alphabet makeAlphabet()
{
    Alphabet alphabet;
    for (auto& byte : alphabet.byte)
        byte = -1;
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const unsigned point = standsForItself(byte) ? byte : next++;
        alphabet.byte[point] = static_cast<std::int16_t>(byte);
        alphabet.length[byte] = point < 0x80 ? 1 : 2;
        if (point < 0x80)
            alphabet.text[byte] = {static_cast<char>(point), '\0'};
        else
            alphabet.text[byte] = {static_cast<char>(0xc0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3f))};
    }
    return alphabet;
}

constexpr Alphabet kAlphabet = makeAlphabet();

} // namespace

void appendByteLevel(std::string_view bytes, std::string& out)
{
    const std::size_t start = out.size();
    out.resize(start + 2 * bytes.size());
    char* to = out.data() + start;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        to[0] = kAlphabet.text[byte][0];
        to[1] = kAlphabet.text[byte][1]; // overwritten by the next character when this one has one byte
        to += kAlphabet.length[byte];
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
}

std::optional<std::uint8_t> byteOfCharacter(char32_t point)
{
    if (point >= kHighest || kAlphabet.byte[point] < 0)
        return std::nullopt;
    return static_cast<std::uint8_t>(kAlphabet.byte[point]);
}

} // namespace paretoscope::core
