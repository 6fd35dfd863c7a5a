// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace paretoscope::core {

/// A half-open range of bytes.
struct ByteRange
{
    std::size_t begin = 0;
    std::size_t end = 0;
    bool operator==(const ByteRange&) const = default;
};

/// What one thread needs to search; any pattern may use it.
class PatternWorkspace
{
public:
    PatternWorkspace();
    ~PatternWorkspace();
    PatternWorkspace(const PatternWorkspace&) = delete;
    PatternWorkspace& operator=(const PatternWorkspace&) = delete;

private:
    friend class Pattern;
    pcre2_real_match_data_8* m_match = nullptr;
    pcre2_real_match_context_8* m_context = nullptr;
    pcre2_real_jit_stack_8* m_stack = nullptr;
};

/// A `{"String": ...}` or `{"Regex": ...}` of tokenizer.json. Regular expressions are written for Oniguruma's Ruby
/// syntax (what the reference library compiles them with); they are rewritten for PCRE2 with Unicode properties, and
/// those that mean something else there are refused. Character properties are those of PCRE2's Unicode version (10.42:
/// Unicode 14), so characters assigned later may split otherwise than in the reference library. Immutable.
class Pattern
{
public:
    /// Errors: Unsupported (construct or property that cannot be carried over; names it and its position).
    static Result<Pattern> fromRegex(std::string_view source, std::string_view place);
    static Pattern fromString(std::string text);
    /// The object itself. Errors: as above; Corrupt (not such an object).
    static Result<Pattern> fromJson(const Json& json, const std::string& place);

    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;
    ~Pattern();

    /// Calls `visit(ByteRange)` for each match in `text` (valid UTF-8), left to right, not overlapping. An empty match
    /// directly behind the previous match is skipped. A pattern that backtracks without end (only a hostile file has
    /// one) ends the search at PCRE2's match limit.
    template <typename Visit>
    void forEachMatch(std::string_view text, PatternWorkspace& workspace, Visit&& visit) const
    {
        std::size_t from = 0;
        std::optional<std::size_t> previousEnd;
        while (const auto match = next(text, from, workspace)) {
            if (match->begin == match->end && previousEnd == match->end) {
                from = behind(text, from);
                if (from > text.size())
                    return;
                continue;
            }
            visit(*match);
            from = match->end;
            previousEnd = match->end;
        }
    }

    /// `text` with every match replaced.
    std::string replaceAll(std::string_view text, std::string_view replacement, PatternWorkspace& workspace) const;
    /// At most this many bytes come out of `replaceAll` per byte of text.
    double growth(std::string_view replacement) const;

private:
    Pattern() = default;
    std::optional<ByteRange> next(std::string_view text, std::size_t from, PatternWorkspace& workspace) const;
    /// The byte behind the character at `at`; past the end when there is none.
    static std::size_t behind(std::string_view text, std::size_t at);

    std::string m_literal; ///< searched for when there is no code
    pcre2_real_code_8* m_code = nullptr;
    bool m_compiledToMachineCode = false;
};

/// Oniguruma (Ruby syntax) to PCRE2. Errors: Unsupported.
Result<std::string> translatePattern(std::string_view source, std::string_view place);

} // namespace paretoscope::core
