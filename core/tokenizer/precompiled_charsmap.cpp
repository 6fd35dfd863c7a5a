// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/precompiled_charsmap.h"

#include "core/base/assert.h"
#include "core/tokenizer/utf8.h"

#include <openssl/evp.h>
#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace paretoscope::core {

namespace {

constexpr std::size_t kLongestRule = 5; ///< bytes of a grapheme that is looked up as a whole

Error corrupt(std::string_view place, const std::string& why)
{
    return {ErrorCode::Corrupt, std::string(place) + " " + why,
            "save the tokenizer again with the library that made it"};
}

Result<std::string> decodeBase64(std::string_view text, std::string_view place)
{
    const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
    if (text.empty() || text.size() % 4 != 0 || text.size() > std::numeric_limits<int>::max())
        return corrupt(place, "is not base64");
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (length < 0)
        return corrupt(place, "is not base64");
    bytes.resize(bytes.size() - padding);
    return bytes;
}

std::uint32_t readU32(std::string_view bytes, std::size_t at)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value |= std::uint32_t(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return value;
}

// A unit of the double array.
bool hasLeaf(std::uint32_t unit)
{
    return ((unit >> 8) & 1U) != 0;
}
std::uint32_t leafValue(std::uint32_t unit)
{
    return unit & 0x7fffffffU;
}
std::uint32_t label(std::uint32_t unit)
{
    return unit & 0x800000ffU;
}
std::uint32_t offset(std::uint32_t unit)
{
    return (unit >> 10) << ((unit & 0x200U) >> 6);
}

} // namespace

Result<PrecompiledCharsmap> PrecompiledCharsmap::fromBase64(std::string_view text, std::string_view place)
{
    PSC_ASSIGN(const std::string bytes, decodeBase64(text, place));
    if (bytes.size() < 4)
        return corrupt(place, "is too short");
    const std::size_t trieBytes = readU32(bytes, 0);
    if (trieBytes % 4 != 0 || trieBytes == 0 || trieBytes > bytes.size() - 4)
        return corrupt(place, "states a trie of " + std::to_string(trieBytes) + " bytes, but holds " +
                                  std::to_string(bytes.size() - 4));
    PrecompiledCharsmap map;
    for (std::size_t at = 4; at < 4 + trieBytes; at += 4)
        map.m_units.push_back(readU32(bytes, at));
    map.m_texts = bytes.substr(4 + trieBytes);
    if (firstInvalidUtf8(map.m_texts))
        return corrupt(place, "holds replacements that are not UTF-8");
    return map;
}

std::optional<std::string_view> PrecompiledCharsmap::replacement(std::string_view chunk) const
{
    std::size_t node = offset(m_units[0]);
    for (const char c : chunk) {
        const auto byte = static_cast<unsigned char>(c);
        node ^= byte;
        if (byte == 0 || node >= m_units.size() || label(m_units[node]) != byte)
            return std::nullopt;
        const std::uint32_t unit = m_units[node];
        node ^= offset(unit);
        if (!hasLeaf(unit))
            continue;
        if (node >= m_units.size())
            return std::nullopt;
        const std::size_t begin = leafValue(m_units[node]);
        if (begin > m_texts.size() ||
            (begin < m_texts.size() && (static_cast<unsigned char>(m_texts[begin]) & 0xc0U) == 0x80))
            return std::nullopt; // points outside, or inside a character: a damaged file
        const std::size_t end = std::min(m_texts.find('\0', begin), m_texts.size());
        return std::string_view(m_texts).substr(begin, end - begin);
    }
    return std::nullopt;
}

double PrecompiledCharsmap::growth() const
{
    std::size_t longest = 1;
    for (std::size_t begin = 0; begin < m_texts.size();) {
        const std::size_t end = std::min(m_texts.find('\0', begin), m_texts.size());
        longest = std::max(longest, end - begin);
        begin = end + 1;
    }
    return static_cast<double>(longest);
}

void PrecompiledCharsmap::appendGrapheme(std::string_view grapheme, std::string& out) const
{
    if (grapheme.size() <= kLongestRule) {
        if (const auto text = replacement(grapheme)) {
            out += *text;
            return;
        }
    }
    for (std::size_t at = 0; at < grapheme.size();) {
        const std::size_t begin = at;
        nextCodePoint(grapheme, at);
        const std::string_view character = grapheme.substr(begin, at - begin);
        out += replacement(character).value_or(character);
    }
}

void PrecompiledCharsmap::appendByGraphemes(std::string_view text, std::string& out) const
{
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::BreakIterator> breaks(
        icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
    const std::unique_ptr<UText, decltype(&utext_close)> view(
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status), &utext_close);
    PSC_ASSERT(U_SUCCESS(status) && breaks, "ICU has the rules of graphemes");
    breaks->setText(view.get(), status);
    PSC_ASSERT(U_SUCCESS(status), "ICU reads UTF-8");
    std::int32_t begin = breaks->first();
    for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
        appendGrapheme(text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)), out);
        begin = end;
    }
}

std::string PrecompiledCharsmap::normalize(std::string_view text) const
{
    const auto isAscii = [&](std::size_t at) { return static_cast<unsigned char>(text[at]) < 0x80; };
    // Between two ASCII characters (but CR LF) there is always a grapheme boundary, so only the rest asks ICU.
    const auto endsGrapheme = [&](std::size_t at) {
        return isAscii(at) &&
               (at + 1 == text.size() || (isAscii(at + 1) && !(text[at] == '\r' && text[at + 1] == '\n')));
    };
    std::string out;
    out.reserve(text.size());
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        while (end < text.size() && !endsGrapheme(end))
            ++end;
        end = std::min(end + 1, text.size());
        if (end - begin == 1)
            appendGrapheme(text.substr(begin, 1), out);
        else
            appendByGraphemes(text.substr(begin, end - begin), out);
        begin = end;
    }
    return out;
}

} // namespace paretoscope::core
