// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/pre_tokenizer.h"

#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/split_behavior.h"
#include "core/tokenizer/utf8.h"

#include <array>
#include <utility>
#include <vector>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<PreTokenizer>>;

/// Cuts each piece at the delimiters that `find` (text, callback taking a ByteRange) reports.
template <typename Find>
void splitAll(Workspace& workspace, SplitBehavior behavior, bool invert, Find&& find)
{
    std::vector<Piece>& out = workspace.next.pieces;
    out.clear();
    for (const Piece& piece : workspace.pieces.pieces) {
        std::vector<Segment>& segments = workspace.segments;
        segments.clear();
        std::size_t done = 0;
        const std::string_view text = workspace.pieces.view(piece);
        find(text, [&](ByteRange match) {
            if (done != match.begin)
                segments.push_back({{done, match.begin}, invert});
            segments.push_back({match, !invert});
            done = match.end;
        });
        if (done != text.size())
            segments.push_back({{done, text.size()}, invert});
        splitPiece(piece, segments, behavior, out);
    }
    std::swap(workspace.pieces.pieces, out);
}

/// Delimiters are single characters with a property.
template <typename Predicate>
void splitAtCharacters(Workspace& workspace, SplitBehavior behavior, Predicate&& isDelimiter)
{
    splitAll(workspace, behavior, false, [&](std::string_view text, auto&& found) {
        std::size_t at = 0;
        while (at < text.size()) {
            const std::size_t begin = at;
            if (isDelimiter(nextCodePoint(text, at)))
                found(ByteRange {begin, at});
        }
    });
}

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

Result<Pattern> readPattern(const Json& json, const std::string& place)
{
    if (json.is_object() && json.size() == 1) {
        const std::string kind = json.begin().key();
        if (json.begin()->is_string() && kind == "String")
            return Pattern::fromString(json.begin()->get<std::string>());
        if (json.begin()->is_string() && kind == "Regex")
            return Pattern::fromRegex(json.begin()->get<std::string>(), place);
    }
    return Error {ErrorCode::Corrupt,
                  place + " must be {\"String\": ...} or {\"Regex\": ...}, but is " + shortJson(json),
                  "save the tokenizer again with the library that made it"};
}

Made makeSplit(PartReader& part)
{
    const Json& pattern = part.object("pattern");
    const std::string behaviorName = part.string("behavior");
    const bool invert = part.boolean("invert", false);
    PSC_TRY(part.finish());
    PSC_ASSIGN(const SplitBehavior behavior, splitBehaviorFromName(behaviorName, part.placeOf("behavior")));
    PSC_ASSIGN(Pattern compiled, readPattern(pattern, part.placeOf("pattern")));
    return Made(std::make_unique<PatternSplit>(std::move(compiled), behavior, invert));
}

class Digits : public PreTokenizer
{
public:
    explicit Digits(bool individual)
        : m_behavior(individual ? SplitBehavior::Isolated : SplitBehavior::Contiguous)
    {}
    void apply(Workspace& workspace) const override { splitAtCharacters(workspace, m_behavior, isNumber); }

private:
    SplitBehavior m_behavior;
};

Made makeDigits(PartReader& part)
{
    const bool individual = part.boolean("individual_digits", false);
    PSC_TRY(part.finish());
    return Made(std::make_unique<Digits>(individual));
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
        if (m_addPrefixSpace)
            prefixSpaces(workspace);
        if (m_pattern) {
            splitAll(workspace, SplitBehavior::Isolated, false, [&](std::string_view text, auto&& found) {
                m_pattern->forEachMatch(text, workspace.patterns, found);
            });
        }
        writeAlphabet(workspace);
    }

private:
    static void prefixSpaces(Workspace& workspace)
    {
        rewrite(workspace, [](std::string_view text, std::string& out) {
            if (!text.starts_with(' '))
                out += ' ';
            out += text;
        });
    }
    static void writeAlphabet(Workspace& workspace) { rewrite(workspace, appendByteLevel); }

    template <typename Write>
    static void rewrite(Workspace& workspace, Write&& write)
    {
        PieceList& out = workspace.next;
        out.clear();
        for (const Piece& piece : workspace.pieces.pieces) {
            const std::size_t begin = out.text.size();
            write(workspace.pieces.view(piece), out.text);
            out.pieces.push_back({begin, out.text.size(), piece.startsText});
        }
        std::swap(workspace.pieces, out);
    }

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
    constexpr std::array<std::pair<std::string_view, Made (*)(PartReader&)>, 4> kTypes {{
        {"ByteLevel", makeByteLevel},
        {"Digits", makeDigits},
        {"Sequence", makeSequence},
        {"Split", makeSplit},
    }};
    PartReader part(json, std::string(place));
    const std::string type = part.type();
    std::vector<std::string> known;
    for (const auto& [name, make] : kTypes) {
        if (name == type)
            return make(part);
        known.emplace_back(name);
    }
    if (!json.is_object())
        return part.finish().error();
    return unknownPart(place, type, known);
}

} // namespace paretoscope::core
