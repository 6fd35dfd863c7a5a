// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/pre_tokenizer.h"

#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/character_splits.h"
#include "core/tokenizer/metaspace.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/piece_editing.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<PreTokenizer>>;

class PatternSplit : public PreTokenizer
{
public:
    PatternSplit(Pattern pattern, SplitBehavior behavior, bool invert)
        : m_pattern(std::move(pattern))
        , m_behavior(behavior)
        , m_invert(invert)
    {}
    void apply(Workspace& workspace) const override
    {
        splitAll(workspace, m_behavior, m_invert,
                 [&](std::string_view text, auto&& found) { m_pattern.forEachMatch(text, workspace.patterns, found); });
    }

private:
    Pattern m_pattern;
    SplitBehavior m_behavior;
    bool m_invert;
};

Made makeSplit(PartReader& part)
{
    const Json& pattern = part.object("pattern");
    const std::string behaviorName = part.string("behavior");
    const bool invert = part.boolean("invert", false);
    PSC_TRY(part.finish());
    PSC_ASSIGN(const SplitBehavior behavior, splitBehaviorFromName(behaviorName, part.placeOf("behavior")));
    PSC_ASSIGN(Pattern compiled, Pattern::fromJson(pattern, part.placeOf("pattern")));
    return Made(std::make_unique<PatternSplit>(std::move(compiled), behavior, invert));
}

class ByteLevel : public PreTokenizer
{
public:
    ByteLevel(std::optional<Pattern> pattern, bool addPrefixSpace)
        : m_pattern(std::move(pattern))
        , m_addPrefixSpace(addPrefixSpace)
    {}
    void apply(Workspace& workspace) const override
    {
        if (m_addPrefixSpace) {
            rewriteAll(workspace, [](std::string_view text, bool, std::string& out) {
                if (!text.starts_with(' '))
                    out += ' ';
                out += text;
            });
        }
        if (m_pattern) {
            splitAll(workspace, SplitBehavior::Isolated, false, [&](std::string_view text, auto&& found) {
                m_pattern->forEachMatch(text, workspace.patterns, found);
            });
        }
        rewriteAll(workspace, [](std::string_view text, bool, std::string& out) { appendByteLevel(text, out); });
    }
    double growth() const override { return 4; } // a space before each piece, two bytes for each

private:
    std::optional<Pattern> m_pattern;
    bool m_addPrefixSpace;
};

Made makeByteLevel(PartReader& part)
{
    const bool addPrefixSpace = part.boolean("add_prefix_space", true);
    const bool useRegex = part.boolean("use_regex", true);
    part.ignore("trim_offsets");
    PSC_TRY(part.finish());
    std::optional<Pattern> pattern;
    if (useRegex) {
        PSC_ASSIGN(pattern, Pattern::fromRegex(kByteLevelRegex, part.place()));
    }
    return Made(std::make_unique<ByteLevel>(std::move(pattern), addPrefixSpace));
}

class MetaspacePreTokenizer : public PreTokenizer
{
public:
    explicit MetaspacePreTokenizer(Metaspace options)
        : m_options(std::move(options))
        , m_replacement(Pattern::fromString(m_options.replacement))
    {}
    void apply(Workspace& workspace) const override
    {
        rewriteAll(workspace, [&](std::string_view text, bool startsText, std::string& out) {
            const bool wanted = m_options.prefix == Metaspace::Prefix::Always ||
                                (m_options.prefix == Metaspace::Prefix::First && startsText);
            if (wanted && !text.starts_with(' ') && !text.starts_with(m_options.replacement))
                out += m_options.replacement;
            for (const char c : text) {
                if (c == ' ')
                    out += m_options.replacement;
                else
                    out += c;
            }
        });
        if (m_options.split) {
            splitAll(workspace, SplitBehavior::MergedWithNext, false, [&](std::string_view text, auto&& found) {
                m_replacement.forEachMatch(text, workspace.patterns, found);
            });
        }
    }
    double growth() const override { return 8; } // one of four bytes before each piece and for each space

private:
    Metaspace m_options;
    Pattern m_replacement;
};

Made makeMetaspace(PartReader& part)
{
    PSC_ASSIGN(Metaspace options, Metaspace::fromPart(part));
    return Made(std::make_unique<MetaspacePreTokenizer>(std::move(options)));
}

class PreTokenizerSequence : public PreTokenizer
{
public:
    explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps)
        : m_steps(std::move(steps))
    {}
    void apply(Workspace& workspace) const override
    {
        for (const auto& step : m_steps)
            step->apply(workspace);
    }
    double growth() const override
    {
        double product = 1;
        for (const auto& step : m_steps)
            product *= step->growth();
        return product;
    }

private:
    std::vector<std::unique_ptr<PreTokenizer>> m_steps;
};

Made makeSequence(PartReader& part)
{
    const Json& list = part.array("pretokenizers");
    PSC_TRY(part.finish());
    std::vector<std::unique_ptr<PreTokenizer>> steps;
    for (std::size_t i = 0; i < list.size(); ++i) {
        PSC_ASSIGN(auto step, makePreTokenizer(list[i], part.placeOf("pretokenizers") + "[" + std::to_string(i) + "]"));
        steps.push_back(std::move(step));
    }
    return Made(std::make_unique<PreTokenizerSequence>(std::move(steps)));
}

} // namespace

Made makePreTokenizer(const Json& json, std::string_view place)
{
    static constexpr PartMaker<std::unique_ptr<PreTokenizer>> kMakers[] {
        {"BertPreTokenizer", makeBertPreTokenizer},
        {"ByteLevel", makeByteLevel},
        {"CharDelimiterSplit", makeCharDelimiterSplit},
        {"Digits", makeDigits},
        {"FixedLength", makeFixedLength},
        {"Metaspace", makeMetaspace},
        {"Punctuation", makePunctuation},
        {"Sequence", makeSequence},
        {"Split", makeSplit},
        {"UnicodeScripts", makeUnicodeScripts},
        {"Whitespace", makeWhitespace},
        {"WhitespaceSplit", makeWhitespaceSplit},
    };
    return makePart<std::unique_ptr<PreTokenizer>>(json, place, kMakers);
}

} // namespace paretoscope::core
