// SPDX-License-Identifier: Apache-2.0
#include "core/query/query_lexer.h"

#include <array>
#include <cctype>
#include <charconv>

namespace paretoscope::core {

namespace {

std::optional<double> unitFactor(std::string_view unit)
{
    static constexpr std::array<std::pair<std::string_view, double>, 10> kUnits {{{"", 1},
                                                                                  {"B", 1},
                                                                                  {"kB", 1e3},
                                                                                  {"MB", 1e6},
                                                                                  {"GB", 1e9},
                                                                                  {"TB", 1e12},
                                                                                  {"KiB", 0x1p10},
                                                                                  {"MiB", 0x1p20},
                                                                                  {"GiB", 0x1p30},
                                                                                  {"TiB", 0x1p40}}};
    for (const auto& [name, factor] : kUnits) {
        if (name == unit)
            return factor;
    }
    return std::nullopt;
}

bool isQuote(char c)
{
    return c == '"' || c == '\'';
}

class Lexer
{
public:
    explicit Lexer(std::string_view text)
        : m_text(text)
    {}

    Result<std::vector<QueryToken>> tokens()
    {
        std::vector<QueryToken> tokens;
        while (true) {
            while (m_at < m_text.size() && std::isspace(static_cast<unsigned char>(m_text[m_at])))
                ++m_at;
            PSC_ASSIGN(QueryToken token, next());
            tokens.push_back(token);
            if (token.kind == QueryToken::Kind::End)
                return tokens;
        }
    }

private:
    Result<QueryToken> next()
    {
        QueryToken token;
        token.column = m_at + 1;
        if (m_at == m_text.size())
            return token;
        const char c = m_text[m_at];
        if (isQuote(c))
            return quoted(token);
        if (isQueryWordStart(c)) {
            token.kind = QueryToken::Kind::Word;
            token.text = std::string(run());
            if (token.text.ends_with('@') && m_at < m_text.size() && isQuote(m_text[m_at])) {
                PSC_ASSIGN(const QueryToken name, quoted(token));
                token.text += name.text;
            }
            return token;
        }
        if (std::isdigit(static_cast<unsigned char>(c)) || c == '.')
            return number(token);
        for (const std::string_view sign : {"<=", ">=", "==", "!=", "<>", "!~", "&&", "||"}) {
            if (m_text.substr(m_at, 2) == sign)
                return signToken(token, sign);
        }
        for (const std::string_view sign : {"<", ">", "=", "~", "(", ")", ",", "!", "+", "-", "*", "/"}) {
            if (m_text.substr(m_at, 1) == sign)
                return signToken(token, sign);
        }
        return querySyntaxError(token.column, "\"" + std::string(1, c) + "\" means nothing here");
    }

    Result<QueryToken> quoted(QueryToken token)
    {
        const std::size_t end = m_text.find(m_text[m_at], m_at + 1);
        if (end == std::string_view::npos)
            return querySyntaxError(token.column, "the quotation mark is not closed");
        token.kind = QueryToken::Kind::Text;
        token.text = std::string(m_text.substr(m_at + 1, end - m_at - 1));
        m_at = end + 1;
        return token;
    }

    Result<QueryToken> number(QueryToken token)
    {
        double value = 0;
        const char* begin = m_text.data() + m_at;
        const auto [end, failure] = std::from_chars(begin, m_text.data() + m_text.size(), value);
        const std::string_view word = run();
        token.text = std::string(word);
        const std::string_view unit = failure == std::errc() && end <= begin + word.size()
                                          ? std::string_view(end, static_cast<std::size_t>(begin + word.size() - end))
                                          : word;
        if (const auto factor = unitFactor(unit); factor && failure == std::errc()) {
            token.kind = QueryToken::Kind::Number;
            token.number = value * *factor;
        } else {
            token.kind = QueryToken::Kind::Text; // 3fa2c1 of an id, 2025-01-31 of a date
        }
        return token;
    }

    QueryToken signToken(QueryToken token, std::string_view sign)
    {
        token.kind = QueryToken::Kind::Sign;
        token.text = std::string(sign);
        m_at += sign.size();
        return token;
    }

    /// The word or number that begins here.
    std::string_view run()
    {
        const std::size_t begin = m_at++;
        while (m_at < m_text.size() && isQueryWordPart(m_text[m_at]))
            ++m_at;
        return m_text.substr(begin, m_at - begin);
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace

bool isQueryWordStart(char c)
{
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool isQueryWordPart(char c)
{
    return isQueryWordStart(c) || std::isdigit(static_cast<unsigned char>(c)) ||
           std::string_view(".@/#+-:").find(c) != std::string_view::npos;
}

Result<std::vector<QueryToken>> queryTokens(std::string_view text)
{
    return Lexer(text).tokens();
}

Error querySyntaxError(std::size_t column, std::string what)
{
    return {ErrorCode::InvalidArgument, "filter, column " + std::to_string(column) + ": " + std::move(what),
            "for example: bits <= 4 and plugin in (gptq, rtn) and not status = failed"};
}

} // namespace paretoscope::core
