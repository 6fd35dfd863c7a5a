// SPDX-License-Identifier: Apache-2.0
#include "core/query/trial_query.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace paretoscope::core {

namespace {

/// A value as written; "2MB" is the text and, with its unit applied, a number.
struct Literal
{
    std::string text;
    std::optional<double> number;
};

enum class Comparison
{
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains
};

} // namespace

struct TrialQuery::Node
{
    enum class Kind
    {
        And,
        Or,
        Not,
        Has,
        Compare
    };

    Kind kind = Kind::Has;
    std::shared_ptr<const Node> left;  ///< of And, Or, Not
    std::shared_ptr<const Node> right; ///< of And, Or
    std::string name;                  ///< of Has, Compare
    Comparison comparison = Comparison::Equal;
    std::vector<Literal> literals; ///< of Compare: any of them
};

namespace {

using Node = TrialQuery::Node;
using NodePtr = std::shared_ptr<const Node>;

struct Token
{
    enum class Kind
    {
        Word,
        Text,
        Number,
        Sign,
        End
    };

    Kind kind = Kind::End;
    std::string text;
    std::optional<double> number;
    std::size_t column = 1;

    bool isSign(std::string_view sign) const { return kind == Kind::Sign && text == sign; }
    bool isWord(std::string_view word) const { return kind == Kind::Word && text == word; }
};

Error syntaxError(std::size_t column, std::string what)
{
    return {ErrorCode::InvalidArgument, "filter, column " + std::to_string(column) + ": " + std::move(what),
            "for example: bits <= 4 and plugin in (gptq, rtn) and not status = failed"};
}

bool isWordStart(char c)
{
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool isWordPart(char c)
{
    return isWordStart(c) || std::isdigit(static_cast<unsigned char>(c)) ||
           std::string_view(".@/#+-:").find(c) != std::string_view::npos;
}

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

class Lexer
{
public:
    explicit Lexer(std::string_view text)
        : m_text(text)
    {}

    Result<std::vector<Token>> tokens()
    {
        std::vector<Token> tokens;
        while (true) {
            while (m_at < m_text.size() && std::isspace(static_cast<unsigned char>(m_text[m_at])))
                ++m_at;
            PSC_ASSIGN(Token token, next());
            tokens.push_back(token);
            if (token.kind == Token::Kind::End)
                return tokens;
        }
    }

private:
    Result<Token> next()
    {
        Token token;
        token.column = m_at + 1;
        if (m_at == m_text.size())
            return token;
        const char c = m_text[m_at];
        if (c == '"' || c == '\'')
            return quoted(token);
        if (isWordStart(c)) {
            token.kind = Token::Kind::Word;
            token.text = std::string(run());
            return token;
        }
        const bool negative = c == '-' && m_at + 1 < m_text.size();
        if (std::isdigit(static_cast<unsigned char>(c)) || c == '.' || negative)
            return number(token);
        for (const std::string_view sign : {"<=", ">=", "==", "!=", "<>", "!~", "&&", "||"}) {
            if (m_text.substr(m_at, 2) == sign)
                return signToken(token, sign);
        }
        for (const std::string_view sign : {"<", ">", "=", "~", "(", ")", ",", "!"}) {
            if (m_text.substr(m_at, 1) == sign)
                return signToken(token, sign);
        }
        return syntaxError(token.column, "\"" + std::string(1, c) + "\" means nothing here");
    }

    Result<Token> quoted(Token token)
    {
        const std::size_t end = m_text.find(m_text[m_at], m_at + 1);
        if (end == std::string_view::npos)
            return syntaxError(token.column, "the quotation mark is not closed");
        token.kind = Token::Kind::Text;
        token.text = std::string(m_text.substr(m_at + 1, end - m_at - 1));
        m_at = end + 1;
        return token;
    }

    Result<Token> number(Token token)
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
            token.kind = Token::Kind::Number;
            token.number = value * *factor;
        } else {
            token.kind = Token::Kind::Text; // 3fa2c1 of an id, 2025-01-31 of a date
        }
        return token;
    }

    Token signToken(Token token, std::string_view sign)
    {
        token.kind = Token::Kind::Sign;
        token.text = std::string(sign);
        m_at += sign.size();
        return token;
    }

    /// The word or number that begins here.
    std::string_view run()
    {
        const std::size_t begin = m_at++;
        while (m_at < m_text.size() && isWordPart(m_text[m_at]))
            ++m_at;
        return m_text.substr(begin, m_at - begin);
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

class Parser
{
public:
    explicit Parser(std::vector<Token> tokens)
        : m_tokens(std::move(tokens))
    {}

    Result<NodePtr> parse()
    {
        PSC_ASSIGN(NodePtr root, disjunction(0));
        if (peek().kind != Token::Kind::End)
            return syntaxError(peek().column, "\"" + peek().text + "\" is not expected; and, or?");
        return root;
    }
    std::vector<std::string> names() && { return std::move(m_names); }

private:
    static constexpr int kDeepest = 64; ///< so that a malicious filter cannot exhaust the stack

    const Token& peek() const { return m_tokens[m_at]; }
    Token take() { return m_tokens[m_at].kind == Token::Kind::End ? m_tokens[m_at] : m_tokens[m_at++]; }
    bool takeWordOrSign(std::string_view word, std::string_view sign)
    {
        if (!peek().isWord(word) && !peek().isSign(sign))
            return false;
        take();
        return true;
    }

    static NodePtr joined(Node::Kind kind, NodePtr left, NodePtr right)
    {
        Node node;
        node.kind = kind;
        node.left = std::move(left);
        node.right = std::move(right);
        return std::make_shared<const Node>(std::move(node));
    }

    Result<NodePtr> disjunction(int depth)
    {
        PSC_ASSIGN(NodePtr left, conjunction(depth));
        while (takeWordOrSign("or", "||")) {
            PSC_ASSIGN(NodePtr right, conjunction(depth));
            left = joined(Node::Kind::Or, std::move(left), std::move(right));
        }
        return left;
    }

    Result<NodePtr> conjunction(int depth)
    {
        PSC_ASSIGN(NodePtr left, negation(depth));
        while (takeWordOrSign("and", "&&")) {
            PSC_ASSIGN(NodePtr right, negation(depth));
            left = joined(Node::Kind::And, std::move(left), std::move(right));
        }
        return left;
    }

    Result<NodePtr> negation(int depth)
    {
        if (depth > kDeepest)
            return syntaxError(peek().column, "nested too deeply");
        if (takeWordOrSign("not", "!")) {
            PSC_ASSIGN(NodePtr inner, negation(depth + 1));
            return joined(Node::Kind::Not, std::move(inner), nullptr);
        }
        if (peek().isSign("(")) {
            const std::size_t column = take().column;
            PSC_ASSIGN(NodePtr inner, disjunction(depth + 1));
            if (!peek().isSign(")"))
                return syntaxError(column, "this parenthesis is not closed");
            take();
            return inner;
        }
        return comparison();
    }

    Result<NodePtr> comparison()
    {
        const Token name = take();
        if (name.kind != Token::Kind::Word) {
            const std::string found = name.kind == Token::Kind::End ? "the end" : "\"" + name.text + "\"";
            return syntaxError(name.column, "a name (a metric, parameter or field) is expected instead of " + found);
        }
        Node node;
        node.name = name.text;
        m_names.push_back(name.text);
        if (peek().isWord("in")) {
            take();
            PSC_ASSIGN(node.literals, list());
            node.kind = Node::Kind::Compare;
            return NodePtr(std::make_shared<const Node>(std::move(node)));
        }
        const auto comparison = comparisonOf(peek());
        if (!comparison)
            return NodePtr(std::make_shared<const Node>(std::move(node)));
        const bool opposite = peek().text == "!=" || peek().text == "<>" || peek().text == "!~";
        take();
        PSC_ASSIGN(Literal literal, value());
        node.kind = Node::Kind::Compare;
        node.comparison = *comparison;
        node.literals.push_back(std::move(literal));
        NodePtr compare = std::make_shared<const Node>(std::move(node));
        return opposite ? joined(Node::Kind::Not, std::move(compare), nullptr) : compare;
    }

    static std::optional<Comparison> comparisonOf(const Token& token)
    {
        static constexpr std::array<std::pair<std::string_view, Comparison>, 10> kSigns {
            {{"=", Comparison::Equal},
             {"==", Comparison::Equal},
             {"!=", Comparison::Equal},
             {"<>", Comparison::Equal},
             {"<", Comparison::Less},
             {"<=", Comparison::LessEqual},
             {">", Comparison::Greater},
             {">=", Comparison::GreaterEqual},
             {"~", Comparison::Contains},
             {"!~", Comparison::Contains}}};
        for (const auto& [sign, comparison] : kSigns) {
            if (token.isSign(sign))
                return comparison;
        }
        return std::nullopt;
    }

    Result<Literal> value()
    {
        const Token token = take();
        if (token.kind == Token::Kind::Sign || token.kind == Token::Kind::End)
            return syntaxError(token.column, "a value is expected here");
        return Literal {token.text, token.number};
    }

    Result<std::vector<Literal>> list()
    {
        if (!peek().isSign("("))
            return syntaxError(peek().column, "\"in\" is followed by a list: in (2, 3)");
        take();
        std::vector<Literal> literals;
        do {
            PSC_ASSIGN(Literal literal, value());
            literals.push_back(std::move(literal));
        } while (takeWordOrSign({}, ","));
        if (!peek().isSign(")"))
            return syntaxError(peek().column, "a comma or \")\" is expected in the list");
        take();
        return literals;
    }

    std::vector<Token> m_tokens;
    std::size_t m_at = 0;
    std::vector<std::string> m_names;
};

template <typename T>
bool compared(const T& value, Comparison comparison, const T& other)
{
    switch (comparison) {
    case Comparison::Equal:
        return value == other;
    case Comparison::Less:
        return value < other;
    case Comparison::LessEqual:
        return value <= other;
    case Comparison::Greater:
        return value > other;
    case Comparison::GreaterEqual:
        return value >= other;
    case Comparison::Contains:
        break;
    }
    return false;
}

bool contains(const std::string& text, const std::string& part)
{
    const auto sameLetter = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), sameLetter) != text.end();
}

bool fulfils(const FieldValue& value, Comparison comparison, const Literal& literal)
{
    if (const auto* text = std::get_if<std::string>(&value)) {
        return comparison == Comparison::Contains ? contains(*text, literal.text)
                                                  : compared(*text, comparison, literal.text);
    }
    return literal.number && compared(std::get<double>(value), comparison, *literal.number);
}

bool evaluate(const Node& node, const TrialRecord& trial)
{
    switch (node.kind) {
    case Node::Kind::And:
        return evaluate(*node.left, trial) && evaluate(*node.right, trial);
    case Node::Kind::Or:
        return evaluate(*node.left, trial) || evaluate(*node.right, trial);
    case Node::Kind::Not:
        return !evaluate(*node.left, trial);
    case Node::Kind::Has: {
        const auto values = fieldValues(trial, node.name);
        return std::any_of(values.begin(), values.end(), [](const FieldValue& value) {
            const auto* text = std::get_if<std::string>(&value);
            return !text || *text != "false";
        });
    }
    case Node::Kind::Compare:
        break;
    }
    for (const FieldValue& value : fieldValues(trial, node.name)) {
        for (const Literal& literal : node.literals) {
            if (fulfils(value, node.comparison, literal))
                return true;
        }
    }
    return false;
}

} // namespace

Result<TrialQuery> TrialQuery::parse(std::string_view text)
{
    TrialQuery query;
    PSC_ASSIGN(std::vector<Token> tokens, Lexer(text).tokens());
    if (tokens.size() == 1)
        return query;
    Parser parser(std::move(tokens));
    PSC_ASSIGN(query.m_root, parser.parse());
    query.m_names = std::move(parser).names();
    return query;
}

bool TrialQuery::matches(const TrialRecord& trial) const
{
    return !m_root || evaluate(*m_root, trial);
}

Status TrialQuery::checkNames(std::span<const TrialRecord> trials) const
{
    if (trials.empty())
        return success();
    const std::vector<std::string> known = fieldNames(trials);
    for (const std::string& name : m_names) {
        const std::string plain = name.substr(0, name.find('@'));
        if (std::find(known.begin(), known.end(), plain) == known.end() &&
            std::all_of(trials.begin(), trials.end(),
                        [&](const TrialRecord& trial) { return fieldValues(trial, name).empty(); }))
            return Error {ErrorCode::InvalidArgument, "filter: no trial has a \"" + name + "\"",
                          suggestion(name, known)};
    }
    return success();
}

} // namespace paretoscope::core
