// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/character_splits.h"

#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/piece_editing.h"

#include <unicode/uscript.h>

#include <cstdint>
#include <functional>
#include <string>

namespace paretoscope::core {

namespace {

using Made = Result<std::unique_ptr<PreTokenizer>>;

/// A pre-tokenizer that is one function.
class FunctionPreTokenizer : public PreTokenizer
{
public:
    explicit FunctionPreTokenizer(std::function<void(Workspace&)> apply)
        : m_apply(std::move(apply))
    {}
    void apply(Workspace& workspace) const override { m_apply(workspace); }

private:
    std::function<void(Workspace&)> m_apply;
};

Made made(std::function<void(Workspace&)> apply)
{
    return Made(std::make_unique<FunctionPreTokenizer>(std::move(apply)));
}

enum class CharacterClass
{
    Word,
    Space,
    Other
};

CharacterClass classOf(char32_t point)
{
    if (isWhiteSpace(point))
        return CharacterClass::Space;
    return isWordCharacter(point) ? CharacterClass::Word : CharacterClass::Other;
}

/// Runs of word characters and runs of other characters; white space goes.
void splitIntoRuns(Workspace& workspace)
{
    splitAll(workspace, SplitBehavior::Removed, true, [](std::string_view text, auto&& found) {
        std::size_t at = 0;
        while (at < text.size()) {
            const std::size_t begin = at;
            std::size_t end = at;
            const CharacterClass first = classOf(nextCodePoint(text, at));
            do
                end = at;
            while (at < text.size() && classOf(nextCodePoint(text, at)) == first);
            at = end;
            if (first != CharacterClass::Space)
                found(ByteRange {begin, end});
        }
    });
}

constexpr std::int32_t kAnyScript = -1; ///< belongs to whatever stands beside it

/// Japanese kana count as Han, so that Japanese words stay whole.
std::int32_t scriptOf(char32_t point)
{
    constexpr char32_t kProlongedSoundMark = 0x30fc;
    if (point == kProlongedSoundMark)
        return USCRIPT_HAN;
    if (point == U' ')
        return kAnyScript;
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(static_cast<UChar32>(point), &status);
    if (U_FAILURE(status) || script == USCRIPT_UNKNOWN)
        return kAnyScript;
    return script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ? USCRIPT_HAN : script;
}

/// What stands before the first character with a script belongs to no piece, as in the reference library.
void splitAtScripts(Workspace& workspace)
{
    splitAll(workspace, SplitBehavior::Removed, true, [](std::string_view text, auto&& found) {
        std::int32_t last = kAnyScript;
        std::size_t start = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t begin = at;
            const std::int32_t script = scriptOf(nextCodePoint(text, at));
            if (script == kAnyScript || script == last)
                continue;
            if (last != kAnyScript)
                found(ByteRange {start, begin});
            start = begin;
            last = script;
        }
        if (last != kAnyScript)
            found(ByteRange {start, text.size()});
    });
}

} // namespace

Made makeBertPreTokenizer(PartReader& part)
{
    PSC_TRY(part.finish());
    return made([](Workspace& workspace) {
        splitAtCharacters(workspace, SplitBehavior::Removed, isWhiteSpace);
        splitAtCharacters(workspace, SplitBehavior::Isolated, isPunctuation);
    });
}

Made makeCharDelimiterSplit(PartReader& part)
{
    const char32_t delimiter = part.character("delimiter");
    PSC_TRY(part.finish());
    return made([delimiter](Workspace& workspace) {
        splitAtCharacters(workspace, SplitBehavior::Removed, [&](char32_t point) { return point == delimiter; });
    });
}

Made makeDigits(PartReader& part)
{
    const bool individual = part.boolean("individual_digits", false);
    PSC_TRY(part.finish());
    return made([behavior = individual ? SplitBehavior::Isolated : SplitBehavior::Contiguous](Workspace& workspace) {
        splitAtCharacters(workspace, behavior, isNumber);
    });
}

Made makeFixedLength(PartReader& part)
{
    constexpr std::int64_t kLongest = std::int64_t(1) << 30;
    const std::int64_t length = part.integer("length", 1, kLongest, 5);
    PSC_TRY(part.finish());
    return made([length](Workspace& workspace) {
        splitAll(workspace, SplitBehavior::Isolated, false, [&](std::string_view text, auto&& found) {
            std::size_t at = 0;
            while (at < text.size()) {
                const std::size_t begin = at;
                for (std::int64_t i = 0; i < length && at < text.size(); ++i)
                    nextCodePoint(text, at);
                found(ByteRange {begin, at});
            }
        });
    });
}

Made makePunctuation(PartReader& part)
{
    const std::string name = part.string("behavior", "Isolated");
    PSC_TRY(part.finish());
    PSC_ASSIGN(const SplitBehavior behavior, splitBehaviorFromName(name, part.placeOf("behavior")));
    return made([behavior](Workspace& workspace) { splitAtCharacters(workspace, behavior, isPunctuation); });
}

Made makeUnicodeScripts(PartReader& part)
{
    PSC_TRY(part.finish());
    return made(splitAtScripts);
}

Made makeWhitespace(PartReader& part)
{
    PSC_TRY(part.finish());
    return made(splitIntoRuns);
}

Made makeWhitespaceSplit(PartReader& part)
{
    PSC_TRY(part.finish());
    return made([](Workspace& workspace) { splitAtCharacters(workspace, SplitBehavior::Removed, isWhiteSpace); });
}

} // namespace paretoscope::core
