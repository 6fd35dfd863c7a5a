// SPDX-License-Identifier: Apache-2.0
#include "core/query/query_parser.h"

#include "core/query/query_lexer.h"

#include <array>

namespace paretoscope::core {

namespace {

class Parser
{
public:
    explicit Parser(std::vector<QueryToken> tokens)
        : m_tokens(std::move(tokens))
    {}

    Result<QueryNodePtr> parse()
    {
        PSC_ASSIGN(QueryNodePtr root, disjunction(0));
        if (peek().kind != QueryToken::Kind::End)
            return querySyntaxError(peek().column, "\"" + peek().text + "\" is not expected; and, or?");
        return root;
    }
    std::vector<std::string> names() && { return std::move(m_names); }

private:
    static constexpr int kDeepest = 64; ///< so that a malicious filter cannot exhaust the stack

    const QueryToken& peek() const { return m_tokens[m_at]; }
    QueryToken take() { return m_tokens[m_at].kind == QueryToken::Kind::End ? m_tokens[m_at] : m_tokens[m_at++]; }
    bool takeWordOrSign(std::string_view word, std::string_view sign)
    {
        if (!peek().isWord(word) && !peek().isSign(sign))
            return false;
        take();
        return true;
    }

    static QueryNodePtr joined(QueryNode::Kind kind, QueryNodePtr left, QueryNodePtr right)
    {
        QueryNode node;
        node.kind = kind;
        node.left = std::move(left);
        node.right = std::move(right);
        return std::make_shared<const QueryNode>(std::move(node));
    }

    Result<QueryNodePtr> disjunction(int depth)
    {
        PSC_ASSIGN(QueryNodePtr left, conjunction(depth));
        while (takeWordOrSign("or", "||")) {
            PSC_ASSIGN(QueryNodePtr right, conjunction(depth));
            left = joined(QueryNode::Kind::Or, std::move(left), std::move(right));
        }
        return left;
    }

    Result<QueryNodePtr> conjunction(int depth)
    {
        PSC_ASSIGN(QueryNodePtr left, negation(depth));
        while (takeWordOrSign("and", "&&")) {
            PSC_ASSIGN(QueryNodePtr right, negation(depth));
            left = joined(QueryNode::Kind::And, std::move(left), std::move(right));
        }
        return left;
    }

    Result<QueryNodePtr> negation(int depth)
    {
        if (depth > kDeepest)
            return querySyntaxError(peek().column, "nested too deeply");
        if (takeWordOrSign("not", "!")) {
            PSC_ASSIGN(QueryNodePtr inner, negation(depth + 1));
            return joined(QueryNode::Kind::Not, std::move(inner), nullptr);
        }
        if (peek().isSign("(")) {
            const std::size_t column = take().column;
            PSC_ASSIGN(QueryNodePtr inner, disjunction(depth + 1));
            if (!peek().isSign(")"))
                return querySyntaxError(column, "this parenthesis is not closed");
            take();
            return inner;
        }
        return comparison();
    }

    Result<QueryNodePtr> comparison()
    {
        const QueryToken name = take();
        if (name.kind != QueryToken::Kind::Word) {
            const std::string found = name.kind == QueryToken::Kind::End ? "the end" : "\"" + name.text + "\"";
            return querySyntaxError(name.column,
                                    "a name (a metric, parameter or field) is expected instead of " + found);
        }
        QueryNode node;
        node.name = name.text;
        m_names.push_back(name.text);
        if (peek().isWord("in")) {
            take();
            PSC_ASSIGN(node.literals, list());
            node.kind = QueryNode::Kind::Compare;
            return QueryNodePtr(std::make_shared<const QueryNode>(std::move(node)));
        }
        const auto comparison = comparisonOf(peek());
        if (!comparison)
            return QueryNodePtr(std::make_shared<const QueryNode>(std::move(node)));
        const bool opposite = peek().text == "!=" || peek().text == "<>" || peek().text == "!~";
        take();
        PSC_ASSIGN(QueryLiteral literal, value());
        node.kind = QueryNode::Kind::Compare;
        node.comparison = *comparison;
        node.literals.push_back(std::move(literal));
        QueryNodePtr compare = std::make_shared<const QueryNode>(std::move(node));
        return opposite ? joined(QueryNode::Kind::Not, std::move(compare), nullptr) : compare;
    }

    static std::optional<QueryComparison> comparisonOf(const QueryToken& token)
    {
        static constexpr std::array<std::pair<std::string_view, QueryComparison>, 10> kSigns {
            {{"=", QueryComparison::Equal},
             {"==", QueryComparison::Equal},
             {"!=", QueryComparison::Equal},
             {"<>", QueryComparison::Equal},
             {"<", QueryComparison::Less},
             {"<=", QueryComparison::LessEqual},
             {">", QueryComparison::Greater},
             {">=", QueryComparison::GreaterEqual},
             {"~", QueryComparison::Contains},
             {"!~", QueryComparison::Contains}}};
        for (const auto& [sign, comparison] : kSigns) {
            if (token.isSign(sign))
                return comparison;
        }
        return std::nullopt;
    }

    Result<QueryLiteral> value()
    {
        const QueryToken token = take();
        if (token.kind == QueryToken::Kind::Sign || token.kind == QueryToken::Kind::End)
            return querySyntaxError(token.column, "a value is expected here");
        return QueryLiteral {token.text, token.number};
    }

    Result<std::vector<QueryLiteral>> list()
    {
        if (!peek().isSign("("))
            return querySyntaxError(peek().column, "\"in\" is followed by a list: in (2, 3)");
        take();
        std::vector<QueryLiteral> literals;
        do {
            PSC_ASSIGN(QueryLiteral literal, value());
            literals.push_back(std::move(literal));
        } while (takeWordOrSign({}, ","));
        if (!peek().isSign(")"))
            return querySyntaxError(peek().column, "a comma or \")\" is expected in the list");
        take();
        return literals;
    }

    std::vector<QueryToken> m_tokens;
    std::size_t m_at = 0;
    std::vector<std::string> m_names;
};

} // namespace

Result<ParsedQuery> parseQuery(std::string_view text)
{
    PSC_ASSIGN(std::vector<QueryToken> tokens, queryTokens(text));
    ParsedQuery query;
    if (tokens.size() == 1)
        return query;
    Parser parser(std::move(tokens));
    PSC_ASSIGN(query.root, parser.parse());
    query.names = std::move(parser).names();
    return query;
}

} // namespace paretoscope::core
