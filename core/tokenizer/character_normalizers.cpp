// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/character_normalizers.h"

#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/unicode_form.h"
#include "core/tokenizer/utf8.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<Normalizer>>;

/// `write(code point, out)` for each character of `text`.
template <typename Write>
std::string mapCharacters(std::string_view text, Write&& write)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();)
        write(nextCodePoint(text, at), out);
    return out;
}

/// Lower case of each character by itself, without regard to its neighbours (final sigma) or the language.
std::string lowercase(std::string_view text)
{
    return mapCharacters(text, [](char32_t point, std::string& out) {
        if (point == 0x130) { // the one character whose lower case is two: i and a dot above
            out += "i\xcc\x87";
            return;
        }
        appendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(point))), out);
    });
}

class Lowercase : public Normalizer
{
public:
    std::string normalize(std::string text, PatternWorkspace&) const override { return lowercase(text); }
    double growth() const override { return 2; }
};

class Strip : public Normalizer
{
public:
    Strip(bool left, bool right)
        : m_left(left)
        , m_right(right)
    {}
    std::string normalize(std::string text, PatternWorkspace&) const override
    {
        std::size_t end = text.size();
        for (std::size_t at = end; m_right && at > 0;) {
            if (!isWhiteSpace(previousCodePoint(text, at)))
                break;
            end = at;
        }
        text.resize(end);
        std::size_t begin = 0;
        for (std::size_t at = 0; m_left && at < text.size();) {
            if (!isWhiteSpace(nextCodePoint(text, at)))
                break;
            begin = at;
        }
        return text.substr(begin);
    }

private:
    bool m_left;
    bool m_right;
};

class StripAccents : public Normalizer
{
public:
    std::string normalize(std::string text, PatternWorkspace&) const override
    {
        return mapCharacters(text, [](char32_t point, std::string& out) {
            if (!isMark(point))
                appendUtf8(point, out);
        });
    }
};

/// The rules of SentencePiece's "nmt" for control and space characters.
class Nmt : public Normalizer
{
public:
    std::string normalize(std::string text, PatternWorkspace&) const override
    {
        return mapCharacters(text, [](char32_t point, std::string& out) {
            if (isRemoved(point))
                return;
            appendUtf8(isSpace(point) ? U' ' : point, out);
        });
    }

private:
    static bool isRemoved(char32_t point)
    {
        return (point >= 0x01 && point <= 0x08) || point == 0x0b || (point >= 0x0e && point <= 0x1f) || point == 0x7f ||
               point == 0x8f || point == 0x9f;
    }
    static bool isSpace(char32_t point)
    {
        constexpr std::array<char32_t, 10> kSpaces {0x09,   0x0a,   0x0c,   0x0d,   0x1680,
                                                    0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd};
        return (point >= 0x200b && point <= 0x200f) ||
               std::find(kSpaces.begin(), kSpaces.end(), point) != kSpaces.end();
    }
};

struct BertOptions
{
    bool cleanText = true;
    bool separateChinese = true;
    bool stripAccents = true;
    bool lowercase = true;
};

class BertNormalizer : public Normalizer
{
public:
    explicit BertNormalizer(BertOptions options)
        : m_options(options)
    {}
    std::string normalize(std::string text, PatternWorkspace&) const override
    {
        if (m_options.cleanText)
            text = clean(text);
        if (m_options.separateChinese)
            text = separateChinese(text);
        if (m_options.stripAccents)
            text = stripAccents(text);
        return m_options.lowercase ? lowercase(text) : text;
    }
    double growth() const override { return 12; } // spaces around, decomposed, in lower case

private:
    static std::string clean(std::string_view text)
    {
        return mapCharacters(text, [](char32_t point, std::string& out) {
            const bool isLineSpace = point == '\t' || point == '\n' || point == '\r';
            if (point == 0 || point == 0xfffd || (isOther(point) && !isLineSpace))
                return;
            appendUtf8(isWhiteSpace(point) ? U' ' : point, out);
        });
    }
    static bool isChinese(char32_t point)
    {
        constexpr std::array<std::pair<char32_t, char32_t>, 8> kRanges {{
            {0x4e00, 0x9fff},
            {0x3400, 0x4dbf},
            {0x20000, 0x2a6df},
            {0x2a700, 0x2b73f},
            {0x2b740, 0x2b81f},
            {0x2b920, 0x2ceaf}, // the reference library's spelling of 2B820
            {0xf900, 0xfaff},
            {0x2f800, 0x2fa1f},
        }};
        return std::any_of(kRanges.begin(), kRanges.end(),
                           [&](const auto& range) { return point >= range.first && point <= range.second; });
    }
    static std::string separateChinese(std::string_view text)
    {
        return mapCharacters(text, [](char32_t point, std::string& out) {
            const bool chinese = isChinese(point);
            out += chinese ? " " : "";
            appendUtf8(point, out);
            out += chinese ? " " : "";
        });
    }
    static std::string stripAccents(std::string_view text)
    {
        return mapCharacters(toUnicodeForm(text, UnicodeForm::Nfd), [](char32_t point, std::string& out) {
            if (!isNonSpacingMark(point))
                appendUtf8(point, out);
        });
    }

    BertOptions m_options;
};

} // namespace

Made makeLowercase(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<Lowercase>());
}

Made makeStrip(PartReader& part)
{
    const bool left = part.boolean("strip_left");
    const bool right = part.boolean("strip_right");
    PSC_TRY(part.finish());
    return Made(std::make_unique<Strip>(left, right));
}

Made makeStripAccents(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<StripAccents>());
}

Made makeNmt(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<Nmt>());
}

Made makeBertNormalizer(PartReader& part)
{
    BertOptions options;
    options.cleanText = part.boolean("clean_text");
    options.separateChinese = part.boolean("handle_chinese_chars");
    options.lowercase = part.boolean("lowercase");
    const Json& stripAccents = part.any("strip_accents");
    if (!stripAccents.is_boolean() && !stripAccents.is_null())
        part.fail(ErrorCode::Corrupt,
                  part.placeOf("strip_accents") + " must be true, false or null, but is " + shortJson(stripAccents),
                  "save the tokenizer again with the library that made it");
    options.stripAccents = stripAccents.is_boolean() ? stripAccents.get<bool>() : options.lowercase;
    PSC_TRY(part.finish());
    return Made(std::make_unique<BertNormalizer>(options));
}

} // namespace paretoscope::core
