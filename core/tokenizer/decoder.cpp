// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/decoder.h"

#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/metaspace.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/pattern.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <array>
#include <utility>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<Decoder>>;
using Tokens = std::vector<std::string>;

std::string replaced(std::string_view text, const std::string& from, std::string_view to, PatternWorkspace& workspace)
{
    return Pattern::fromString(from).replaceAll(text, to, workspace);
}

/// Undoes the spaces that English tokenization puts before punctuation and contractions.
std::string cleanUp(std::string text, PatternWorkspace& workspace)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules {{
        {" .", "."},
        {" ?", "?"},
        {" !", "!"},
        {" ,", ","},
        {" ' ", "'"},
        {" n't", "n't"},
        {" 'm", "'m"},
        {" do not", " don't"},
        {" 's", "'s"},
        {" 've", "'ve"},
        {" 're", "'re"},
    }};
    for (const auto& [from, to] : kRules)
        text = replaced(text, std::string(from), to, workspace);
    return text;
}

class ByteLevelDecoder : public Decoder
{
public:
    Tokens decode(Tokens tokens) const override
    {
        std::string bytes;
        for (const std::string& token : tokens)
            append(token, bytes);
        return {replaceInvalidUtf8(bytes)};
    }

private:
    /// A token with any character outside the alphabet (an added token) stands as it is.
    static void append(const std::string& token, std::string& bytes)
    {
        const std::size_t start = bytes.size();
        for (std::size_t at = 0; at < token.size();) {
            const auto byte = byteOfCharacter(nextCodePoint(token, at));
            if (!byte) {
                bytes.resize(start);
                bytes += token;
                return;
            }
            bytes += static_cast<char>(*byte);
        }
    }
};

Made makeByteLevel(PartReader& part)
{
    for (const std::string_view key : {"add_prefix_space", "trim_offsets", "use_regex"})
        part.ignore(key);
    PSC_TRY(part.finish());
    return Made(std::make_unique<ByteLevelDecoder>());
}

class MetaspaceDecoder : public Decoder
{
public:
    explicit MetaspaceDecoder(Metaspace options)
        : m_options(std::move(options))
    {}
    Tokens decode(Tokens tokens) const override
    {
        PatternWorkspace workspace;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const bool isPrefix = i == 0 && m_options.prefix != Metaspace::Prefix::Never;
            tokens[i] = replaced(tokens[i], m_options.replacement, isPrefix ? "" : " ", workspace);
        }
        return tokens;
    }

private:
    Metaspace m_options;
};

Made makeMetaspace(PartReader& part)
{
    PSC_ASSIGN(Metaspace options, Metaspace::fromPart(part));
    return Made(std::make_unique<MetaspaceDecoder>(std::move(options)));
}

class WordPieceDecoder : public Decoder
{
public:
    WordPieceDecoder(std::string prefix, bool cleanup)
        : m_prefix(std::move(prefix))
        , m_cleanup(cleanup)
    {}
    Tokens decode(Tokens tokens) const override
    {
        PatternWorkspace workspace;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            if (i > 0 && tokens[i].starts_with(m_prefix))
                tokens[i].erase(0, m_prefix.size());
            else if (i > 0)
                tokens[i].insert(0, " ");
            if (m_cleanup)
                tokens[i] = cleanUp(std::move(tokens[i]), workspace);
        }
        return tokens;
    }
    double growth() const override { return 2; }

private:
    std::string m_prefix;
    bool m_cleanup;
};

Made makeWordPiece(PartReader& part)
{
    std::string prefix = part.string("prefix", "##");
    const bool cleanup = part.boolean("cleanup", true);
    PSC_TRY(part.finish());
    return Made(std::make_unique<WordPieceDecoder>(std::move(prefix), cleanup));
}

/// Words end with a suffix.
class BpeDecoder : public Decoder
{
public:
    explicit BpeDecoder(std::string suffix)
        : m_suffix(std::move(suffix))
    {}
    Tokens decode(Tokens tokens) const override
    {
        PatternWorkspace workspace;
        for (std::size_t i = 0; i < tokens.size(); ++i)
            tokens[i] = replaced(tokens[i], m_suffix, i + 1 == tokens.size() ? "" : " ", workspace);
        return tokens;
    }
    double growth() const override { return Pattern::fromString(m_suffix).growth(" "); }

private:
    std::string m_suffix;
};

Made makeBpe(PartReader& part)
{
    std::string suffix = part.string("suffix", "</w>");
    PSC_TRY(part.finish());
    return Made(std::make_unique<BpeDecoder>(std::move(suffix)));
}

/// Speech recognition: repeated tokens count once.
class CtcDecoder : public Decoder
{
public:
    CtcDecoder(std::string pad, std::string delimiter, bool cleanup)
        : m_pad(std::move(pad))
        , m_delimiter(std::move(delimiter))
        , m_cleanup(cleanup)
    {}
    Tokens decode(Tokens tokens) const override
    {
        PatternWorkspace workspace;
        tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
        for (std::string& token : tokens) {
            token = replaced(token, m_pad, "", workspace);
            if (m_cleanup)
                token = replaced(cleanUp(std::move(token), workspace), m_delimiter, " ", workspace);
        }
        std::erase(tokens, std::string());
        return tokens;
    }
    double growth() const override { return Pattern::fromString(m_delimiter).growth(" "); }

private:
    std::string m_pad;
    std::string m_delimiter;
    bool m_cleanup;
};

Made makeCtc(PartReader& part)
{
    std::string pad = part.string("pad_token", "<pad>");
    std::string delimiter = part.string("word_delimiter_token", "|");
    const bool cleanup = part.boolean("cleanup", true);
    PSC_TRY(part.finish());
    return Made(std::make_unique<CtcDecoder>(std::move(pad), std::move(delimiter), cleanup));
}

class ReplaceDecoder : public Decoder
{
public:
    ReplaceDecoder(Pattern pattern, std::string content)
        : m_pattern(std::move(pattern))
        , m_content(std::move(content))
    {}
    Tokens decode(Tokens tokens) const override
    {
        PatternWorkspace workspace;
        for (std::string& token : tokens)
            token = m_pattern.replaceAll(token, m_content, workspace);
        return tokens;
    }
    double growth() const override { return m_pattern.growth(m_content); }

private:
    Pattern m_pattern;
    std::string m_content;
};

Made makeReplace(PartReader& part)
{
    const Json& pattern = part.object("pattern");
    std::string content = part.string("content");
    PSC_TRY(part.finish());
    PSC_ASSIGN(Pattern compiled, Pattern::fromJson(pattern, part.placeOf("pattern")));
    return Made(std::make_unique<ReplaceDecoder>(std::move(compiled), std::move(content)));
}

class FuseDecoder : public Decoder
{
public:
    Tokens decode(Tokens tokens) const override
    {
        std::string text;
        for (const std::string& token : tokens)
            text += token;
        return {text};
    }
};

Made makeFuse(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<FuseDecoder>());
}

/// Takes up to `start` and `stop` copies of one character from the ends of each token.
class StripDecoder : public Decoder
{
public:
    StripDecoder(std::string content, std::int64_t start, std::int64_t stop)
        : m_content(std::move(content))
        , m_start(start)
        , m_stop(stop)
    {}
    Tokens decode(Tokens tokens) const override
    {
        for (std::string& token : tokens) {
            for (std::int64_t i = 0; i < m_start && token.starts_with(m_content); ++i)
                token.erase(0, m_content.size());
            for (std::int64_t i = 0; i < m_stop && token.ends_with(m_content); ++i)
                token.resize(token.size() - m_content.size());
        }
        return tokens;
    }

private:
    std::string m_content;
    std::int64_t m_start;
    std::int64_t m_stop;
};

Made makeStrip(PartReader& part)
{
    constexpr std::int64_t kMost = std::int64_t(1) << 30;
    const char32_t content = part.character("content");
    const std::int64_t start = part.integer("start", 0, kMost);
    const std::int64_t stop = part.integer("stop", 0, kMost);
    PSC_TRY(part.finish());
    std::string text;
    appendUtf8(content, text);
    return Made(std::make_unique<StripDecoder>(std::move(text), start, stop));
}

/// Neighbouring tokens <0xNN> become the characters of their bytes; if those are not UTF-8, one U+FFFD per byte.
class ByteFallbackDecoder : public Decoder
{
public:
    Tokens decode(Tokens tokens) const override
    {
        Tokens out;
        std::string bytes;
        const auto flush = [&] {
            if (bytes.empty())
                return;
            if (!firstInvalidUtf8(bytes))
                out.push_back(bytes);
            else
                out.insert(out.end(), bytes.size(), "\xef\xbf\xbd");
            bytes.clear();
        };
        for (std::string& token : tokens) {
            if (const auto byte = byteOf(token)) {
                bytes += static_cast<char>(*byte);
                continue;
            }
            flush();
            out.push_back(std::move(token));
        }
        flush();
        return out;
    }

private:
    static std::optional<unsigned> byteOf(std::string_view token)
    {
        if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>'))
            return std::nullopt;
        unsigned value = 0;
        for (const char c : token.substr(3, 2)) {
            const char lower = static_cast<char>(c | 0x20);
            if (c >= '0' && c <= '9')
                value = value * 16 + static_cast<unsigned>(c - '0');
            else if (lower >= 'a' && lower <= 'f')
                value = value * 16 + static_cast<unsigned>(lower - 'a') + 10;
            else
                return std::nullopt;
        }
        return value;
    }
};

Made makeByteFallback(PartReader& part)
{
    PSC_TRY(part.finish());
    return Made(std::make_unique<ByteFallbackDecoder>());
}

class DecoderSequence : public Decoder
{
public:
    explicit DecoderSequence(std::vector<std::unique_ptr<Decoder>> steps)
        : m_steps(std::move(steps))
    {}
    Tokens decode(Tokens tokens) const override
    {
        for (const auto& step : m_steps)
            tokens = step->decode(std::move(tokens));
        return tokens;
    }
    double growth() const override
    {
        double product = 1;
        for (const auto& step : m_steps)
            product *= step->growth();
        return product;
    }

private:
    std::vector<std::unique_ptr<Decoder>> m_steps;
};

Made makeSequence(PartReader& part)
{
    const Json& list = part.array("decoders");
    PSC_TRY(part.finish());
    std::vector<std::unique_ptr<Decoder>> steps;
    for (std::size_t i = 0; i < list.size(); ++i) {
        PSC_ASSIGN(auto step, makeDecoder(list[i], part.placeOf("decoders") + "[" + std::to_string(i) + "]"));
        steps.push_back(std::move(step));
    }
    return Made(std::make_unique<DecoderSequence>(std::move(steps)));
}

} // namespace

Made makeDecoder(const Json& json, std::string_view place)
{
    static constexpr PartMaker<std::unique_ptr<Decoder>> kMakers[] {
        {"BPEDecoder", makeBpe},      {"ByteFallback", makeByteFallback},
        {"ByteLevel", makeByteLevel}, {"CTC", makeCtc},
        {"Fuse", makeFuse},           {"Metaspace", makeMetaspace},
        {"Replace", makeReplace},     {"Sequence", makeSequence},
        {"Strip", makeStrip},         {"WordPiece", makeWordPiece},
    };
    return makePart<std::unique_ptr<Decoder>>(json, place, kMakers);
}

} // namespace paretoscope::core
