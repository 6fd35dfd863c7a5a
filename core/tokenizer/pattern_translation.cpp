// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/pattern.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <vector>

namespace paretoscope::core {

namespace {

// PCRE2's \s contains U+180E and its \w lacks marks, so the classes are spelt out as Oniguruma 6.9 defines them
// (compared with the reference library for every code point).
constexpr std::string_view kSpaceMembers =
    R"(\t-\r\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kWordMembers = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Outside of classes Oniguruma's \w also has the superscripts and fractions of Latin-1.
constexpr std::string_view kWordMembersAlone = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
// Without regard to case, Oniguruma lets these match one ligature or sharp s as well.
constexpr std::array<std::string_view, 5> kFoldingPairs {"ff", "fi", "fl", "ss", "st"};
// Escapes of one character that mean the same in both.
constexpr std::string_view kSameEscapes = "rntfae";
constexpr std::array<std::string_view, 8> kSameGroups {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i)", "(?i:"};

bool isScript(std::string_view name)
{
    return u_getPropertyValueEnum(UCHAR_SCRIPT, std::string(name).c_str()) != UCHAR_INVALID_CODE;
}

/// Oniguruma lets these match the other case too when case is ignored, PCRE2 does not.
bool dependsOnCase(std::string_view property)
{
    constexpr std::array<std::string_view, 3> kCategories {"Lu", "Ll", "Lt"};
    return std::find(kCategories.begin(), kCategories.end(), property) != kCategories.end() ||
           (property.size() > 2 && !isScript(property));
}

bool isHexDigit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool isLetterOrDigit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// One pass over the source. Only constructs known to mean the same in both languages pass.
class Translator
{
public:
    Translator(std::string_view source, std::string_view place)
        : m_source(source)
        , m_place(place)
    {}

    Result<std::string> run()
    {
        while (m_at < m_source.size())
            PSC_TRY(step());
        if (!m_groups.empty())
            return refuse("a group without its end");
        return std::move(m_out);
    }

private:
    Status step();
    Status escape(bool insideClass);
    Status characterClass();
    Status openGroup();
    Status closeGroup();
    Status literal();
    Status interval();
    Status property(char letter);
    Status hexadecimal(char letter);
    void shorthand(std::string_view members, bool negated, bool insideClass);

    Error refuse(const std::string& what) const
    {
        return {ErrorCode::Unsupported,
                std::string(m_place) + ": the regular expression has " + what + " at byte " + std::to_string(m_at) +
                    ", which is not supported",
                "report the model; its tokenizer needs a newer version"};
    }
    char peek(std::size_t ahead = 0) const { return m_at + ahead < m_source.size() ? m_source[m_at + ahead] : '\0'; }
    void copy(std::size_t count)
    {
        m_out += m_source.substr(m_at, count);
        m_at += count;
    }
    void atom(std::size_t start) { m_atomStart = start; }

    struct Group
    {
        std::size_t start = 0; ///< in the output
        bool ignoredCaseBefore = false;
    };

    std::string_view m_source;
    std::string_view m_place;
    std::string m_out;
    std::size_t m_at = 0;
    std::size_t m_atomStart = 0; ///< where the last atom begins in the output
    std::vector<Group> m_groups; ///< open ones
    bool m_ignoresCase = false;
};

Status Translator::step()
{
    const std::size_t start = m_out.size();
    switch (peek()) {
    case '\\':
        PSC_TRY(escape(false));
        atom(start);
        return success();
    case '[':
        PSC_TRY(characterClass());
        atom(start);
        return success();
    case '(':
        return openGroup();
    case ')':
        return closeGroup();
    case '{':
        return interval();
    case '*':
    case '+':
    case '?':
    case '|':
        copy(1);
        return success();
    default:
        PSC_TRY(literal());
        atom(start);
        return success();
    }
}

Status Translator::literal()
{
    const auto isLead = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; };
    if (m_ignoresCase) {
        if (static_cast<unsigned char>(peek()) >= 0x80)
            return refuse("a character beyond ASCII without regard to case");
        std::string pair {peek(), peek(1)};
        for (char& c : pair)
            c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
        if (std::find(kFoldingPairs.begin(), kFoldingPairs.end(), pair) != kFoldingPairs.end())
            return refuse("\"" + pair + "\" without regard to case");
    }
    copy(1);
    while (m_at < m_source.size() && !isLead(peek()))
        copy(1);
    return success();
}

Status Translator::closeGroup()
{
    if (m_groups.empty())
        return refuse("\")\" without its beginning");
    copy(1);
    atom(m_groups.back().start);
    m_ignoresCase = m_groups.back().ignoredCaseBefore;
    m_groups.pop_back();
    return success();
}

Status Translator::openGroup()
{
    const std::size_t start = m_out.size();
    if (peek(1) == '*')
        return refuse("\"(*\"");
    if (peek(1) != '?') {
        m_groups.push_back({start, m_ignoresCase});
        copy(1);
        return success();
    }
    for (const std::string_view opening : kSameGroups) {
        if (m_source.substr(m_at).starts_with(opening)) {
            if (opening == "(?i)" && m_at != 0)
                return refuse("\"(?i)\" behind its beginning"); // its reach across "|" differs
            if (opening != "(?i)")
                m_groups.push_back({start, m_ignoresCase});
            m_ignoresCase = m_ignoresCase || opening.starts_with("(?i");
            copy(opening.size());
            return success();
        }
    }
    return refuse("the group \"" + std::string(m_source.substr(m_at, 3)) + "\"");
}

/// {n}, {n,} and {n,m}. Ruby reads a "+" behind them as one more repetition, not as "possessive".
Status Translator::interval()
{
    std::size_t length = 1;
    while (peek(length) >= '0' && peek(length) <= '9')
        ++length;
    if (length == 1)
        return refuse("\"{\" without a count");
    const bool exact = peek(length) == '}';
    if (peek(length) == ',')
        ++length;
    while (peek(length) >= '0' && peek(length) <= '9')
        ++length;
    if (peek(length) != '}')
        return refuse("\"{\" without its end");
    copy(length + 1);
    if (exact && peek() == '?')
        return refuse("\"?\" behind an exact count");
    if (peek() == '+' || peek() == '*') {
        m_out.insert(m_atomStart, "(?:");
        m_out += ')';
    }
    return success();
}

void Translator::shorthand(std::string_view members, bool negated, bool insideClass)
{
    if (insideClass)
        m_out += members;
    else
        m_out += (negated ? "[^" : "[") + std::string(members) + "]";
}

Status Translator::escape(bool insideClass)
{
    const char letter = peek(1);
    if (letter == '\0')
        return refuse("\"\\\" at its end");
    if (letter == 'p' || letter == 'P')
        return property(letter);
    if (letter == 'x' || letter == 'u')
        return hexadecimal(letter);
    if (letter == 's' || letter == 'S' || letter == 'w' || letter == 'W') {
        const bool negated = letter == 'S' || letter == 'W';
        if (insideClass && letter == 'S')
            m_out += R"(\P{White_Space})";
        else if (insideClass && negated)
            return refuse("\"\\W\" in a character class");
        else
            shorthand(letter == 's' || letter == 'S' ? kSpaceMembers
                      : insideClass                  ? kWordMembers
                                                     : kWordMembersAlone,
                      negated, insideClass);
        m_at += 2;
        return success();
    }
    if (letter == 'd' || letter == 'D' || kSameEscapes.find(letter) != std::string_view::npos) {
        copy(2);
        return success();
    }
    if (letter == 'v') {
        m_out += "\\x0b";
        m_at += 2;
        return success();
    }
    if (!insideClass && (letter == 'A' || letter == 'z')) {
        copy(2);
        return success();
    }
    if (letter == 'b' && !insideClass) {
        const std::string word(kWordMembersAlone);
        m_out += "(?:(?<=[" + word + "])(?![" + word + "])|(?<![" + word + "])(?=[" + word + "]))";
        m_at += 2;
        return success();
    }
    if (isLetterOrDigit(letter))
        return refuse("\"\\" + std::string(1, letter) + "\"");
    copy(1);
    copy(1);
    while ((static_cast<unsigned char>(peek()) & 0xc0U) == 0x80)
        copy(1);
    return success();
}

Status Translator::property(char letter)
{
    if (peek(2) != '{')
        return refuse("\"\\" + std::string(1, letter) + "\" without \"{\"");
    const std::size_t begin = peek(3) == '^' ? 4 : 3;
    std::size_t end = begin;
    while (isLetterOrDigit(peek(end)) || peek(end) == '_' || peek(end) == ' ' || peek(end) == '-')
        ++end;
    if (peek(end) != '}')
        return refuse("a property name without its end");
    const std::string name(m_source.substr(m_at + begin, end - begin));
    if (m_ignoresCase && dependsOnCase(name))
        return refuse("the property \"" + name + "\" without regard to case");
    // By itself a script's name means "used with this script" in PCRE2; an unknown name is found when it compiles.
    m_out += std::string("\\") + letter + (begin == 4 ? "{^" : "{") + (isScript(name) ? "sc:" : "") + name + "}";
    m_at += end + 1;
    return success();
}

/// \xH, \xHH, \x{H...} and \uHHHH.
Status Translator::hexadecimal(char letter)
{
    const bool braced = letter == 'x' && peek(2) == '{';
    const std::size_t begin = braced ? 3 : 2;
    const std::size_t most = letter == 'u' ? 4 : (braced ? 8 : 2);
    std::size_t end = begin;
    while (end - begin < most && isHexDigit(peek(end)))
        ++end;
    const bool complete = end > begin && (letter != 'u' || end - begin == 4) && (!braced || peek(end) == '}');
    if (!complete)
        return refuse("an incomplete character number");
    const std::string digits(m_source.substr(m_at + begin, end - begin));
    if (m_ignoresCase && std::stoul(digits, nullptr, 16) >= 0x80)
        return refuse("a character beyond ASCII without regard to case");
    m_out += "\\x{" + digits + "}";
    m_at += end + (braced ? 1U : 0U);
    return success();
}

Status Translator::characterClass()
{
    copy(1);
    if (peek() == '^')
        copy(1);
    if (peek() == ']')
        return refuse("\"]\" as the first member of a character class");
    while (m_at < m_source.size() && peek() != ']') {
        if (peek() == '[')
            return refuse("a character class inside another");
        if (peek() == '&' && peek(1) == '&')
            return refuse("\"&&\" in a character class");
        if (m_ignoresCase && static_cast<unsigned char>(peek()) >= 0x80)
            return refuse("a character beyond ASCII without regard to case");
        if (peek() == '\\')
            PSC_TRY(escape(true));
        else
            copy(1);
    }
    if (m_at >= m_source.size())
        return refuse("a character class without its end");
    copy(1);
    return success();
}

} // namespace

Result<std::string> translatePattern(std::string_view source, std::string_view place)
{
    return Translator(source, place).run();
}

} // namespace paretoscope::core
