// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/utf8.h"

#include <unicode/uchar.h>

#include <cstdint>
#include <cstring>

namespace paretoscope::core {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Length of the well-formed sequence at `at`, or minus the length of the maximal ill-formed part.
int sequenceLength(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t index) -> unsigned {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const unsigned lead = byte(at);
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    const int length = lead < 0xe0 ? 2 : (lead < 0xf0 ? 3 : 4);
    // The second byte excludes overlong forms, surrogates and points above U+10FFFF.
    unsigned low = 0x80;
    unsigned high = 0xbf;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    for (int i = 1; i < length; ++i) {
        const unsigned next = byte(at + static_cast<std::size_t>(i));
        if (next < low || next > high)
            return -i;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

std::uint32_t categoryBit(char32_t point)
{
    return U_GET_GC_MASK(static_cast<UChar32>(point));
}

} // namespace

char32_t previousCodePoint(std::string_view text, std::size_t& at)
{
    --at;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80)
        --at;
    std::size_t end = at;
    return nextCodePoint(text, end);
}

void appendUtf8(char32_t point, std::string& out)
{
    const auto put = [&](char32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | (point >> 6));
        put(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put(0xe0 | (point >> 12));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | (point >> 18));
        put(0x80 | ((point >> 12) & 0x3f));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
    }
}

std::optional<std::size_t> firstInvalidUtf8(std::string_view text)
{
    constexpr std::uint64_t kHighBits = 0x8080808080808080U;
    std::size_t at = 0;
    while (at < text.size()) {
        if (at + sizeof(std::uint64_t) <= text.size()) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + at, sizeof word);
            if ((word & kHighBits) == 0) { // eight ASCII bytes at once
                at += sizeof word;
                continue;
            }
        }
        const int length = sequenceLength(text, at);
        if (length < 0)
            return at;
        at += static_cast<std::size_t>(length);
    }
    return std::nullopt;
}

std::string replaceInvalidUtf8(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    while (const auto bad = firstInvalidUtf8(text)) {
        out += text.substr(0, *bad);
        out += kReplacement;
        text.remove_prefix(*bad + static_cast<std::size_t>(-sequenceLength(text, *bad)));
    }
    return out += text;
}

bool isWhiteSpace(char32_t point)
{
    if (point < 0x80)
        return point == ' ' || (point >= '\t' && point <= '\r');
    return u_isUWhiteSpace(static_cast<UChar32>(point)) != 0;
}

bool isNumber(char32_t point)
{
    if (point < 0x80)
        return point >= '0' && point <= '9';
    return (categoryBit(point) & U_GC_N_MASK) != 0;
}

bool isPunctuation(char32_t point)
{
    if (point < 0x80) {
        return (point >= '!' && point <= '/') || (point >= ':' && point <= '@') || (point >= '[' && point <= '`') ||
               (point >= '{' && point <= '~');
    }
    return (categoryBit(point) & U_GC_P_MASK) != 0;
}

bool isMark(char32_t point)
{
    return (categoryBit(point) & U_GC_M_MASK) != 0;
}

bool isNonSpacingMark(char32_t point)
{
    return (categoryBit(point) & U_GC_MN_MASK) != 0;
}

bool isOther(char32_t point)
{
    return (categoryBit(point) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

bool isWordCharacter(char32_t point)
{
    const auto character = static_cast<UChar32>(point);
    return u_isUAlphabetic(character) != 0 || (categoryBit(point) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
           u_hasBinaryProperty(character, UCHAR_JOIN_CONTROL) != 0;
}

} // namespace paretoscope::core
