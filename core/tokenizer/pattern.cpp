// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/pattern.h"

#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <new>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::size_t kJitStackStart = std::size_t(32) << 10;
constexpr std::size_t kJitStackLimit = std::size_t(8) << 20;
constexpr std::uint32_t kMatchLimit = 100'000'000; // a second or so; honest patterns stay far below

PCRE2_SPTR pcreText(std::string_view text)
{
    // PCRE2 refuses a null pointer, which an empty view may hold.
    return reinterpret_cast<PCRE2_SPTR>(text.data() ? text.data() : "");
}

} // namespace

PatternWorkspace::PatternWorkspace()
    : m_match(pcre2_match_data_create(1, nullptr)) // only the whole match is asked for
    , m_context(pcre2_match_context_create(nullptr))
    , m_stack(pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr))
{
    if (!m_match || !m_context)
        throw std::bad_alloc();
    pcre2_set_match_limit(m_context, kMatchLimit);
    if (m_stack) // there is none where PCRE2 was built without JIT
        pcre2_jit_stack_assign(m_context, nullptr, m_stack);
}

PatternWorkspace::~PatternWorkspace()
{
    pcre2_jit_stack_free(m_stack);
    pcre2_match_context_free(m_context);
    pcre2_match_data_free(m_match);
}

Result<Pattern> Pattern::fromRegex(std::string_view source, std::string_view place)
{
    PSC_ASSIGN(const std::string translated, translatePattern(source, place));
    int code = 0;
    std::size_t offset = 0;
    std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
        pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
    if (!context)
        throw std::bad_alloc();
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    Pattern pattern;
    // Ruby's ^ and $ always mean lines.
    constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    pattern.m_code = pcre2_compile(pcreText(translated), translated.size(), kOptions, &code, &offset, context.get());
    if (!pattern.m_code) {
        PCRE2_UCHAR text[256] = {};
        pcre2_get_error_message(code, text, sizeof text);
        return Error {ErrorCode::Unsupported,
                      std::string(place) +
                          ": the regular expression cannot be compiled: " + reinterpret_cast<const char*>(text),
                      "report the model; its tokenizer needs a newer version"};
    }
    pattern.m_compiledToMachineCode = pcre2_jit_compile(pattern.m_code, PCRE2_JIT_COMPLETE) == 0;
    return pattern;
}

Pattern Pattern::fromString(std::string text)
{
    Pattern pattern;
    pattern.m_literal = std::move(text);
    return pattern;
}

Result<Pattern> Pattern::fromJson(const Json& json, const std::string& place)
{
    if (json.is_object() && json.size() == 1 && json.begin()->is_string()) {
        const std::string kind = json.begin().key();
        if (kind == "String")
            return fromString(json.begin()->get<std::string>());
        if (kind == "Regex")
            return fromRegex(json.begin()->get<std::string>(), place);
    }
    return Error {ErrorCode::Corrupt,
                  place + " must be {\"String\": ...} or {\"Regex\": ...}, but is " + shortJson(json),
                  "save the tokenizer again with the library that made it"};
}

Pattern::Pattern(Pattern&& other) noexcept
    : m_literal(std::move(other.m_literal))
    , m_code(std::exchange(other.m_code, nullptr))
    , m_compiledToMachineCode(other.m_compiledToMachineCode)
{}

Pattern& Pattern::operator=(Pattern&& other) noexcept
{
    std::swap(m_literal, other.m_literal);
    std::swap(m_code, other.m_code);
    std::swap(m_compiledToMachineCode, other.m_compiledToMachineCode);
    return *this;
}

Pattern::~Pattern()
{
    pcre2_code_free(m_code);
}

std::size_t Pattern::behind(std::string_view text, std::size_t at)
{
    if (at >= text.size())
        return text.size() + 1;
    nextCodePoint(text, at);
    return at;
}

std::optional<ByteRange> Pattern::next(std::string_view text, std::size_t from, PatternWorkspace& workspace) const
{
    if (!m_code) {
        const std::size_t found = text.find(m_literal, from); // an empty one is found everywhere
        if (found == std::string_view::npos)
            return std::nullopt;
        return ByteRange {found, found + m_literal.size()};
    }
    int count = PCRE2_ERROR_JIT_STACKLIMIT;
    if (m_compiledToMachineCode)
        count = pcre2_jit_match(m_code, pcreText(text), text.size(), from, 0, workspace.m_match, workspace.m_context);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT || count == PCRE2_ERROR_JIT_BADOPTION) {
        count = pcre2_match(m_code, pcreText(text), text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                            workspace.m_match, workspace.m_context);
    }
    if (count < 0) // no match, or a limit
        return std::nullopt;
    const std::size_t* range = pcre2_get_ovector_pointer(workspace.m_match);
    return ByteRange {range[0], range[1]};
}

std::string Pattern::replaceAll(std::string_view text, std::string_view replacement, PatternWorkspace& workspace) const
{
    std::string out;
    std::size_t done = 0;
    forEachMatch(text, workspace, [&](ByteRange match) {
        out += text.substr(done, match.begin - done);
        out += replacement;
        done = match.end;
    });
    return out += text.substr(done);
}

double Pattern::growth(std::string_view replacement) const
{
    const auto length = static_cast<double>(replacement.size());
    // A regular expression may match nothing before each byte and at the end.
    return m_code || m_literal.empty() ? 1 + 2 * length : std::max(1.0, length / static_cast<double>(m_literal.size()));
}

} // namespace paretoscope::core
