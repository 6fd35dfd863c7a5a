// SPDX-License-Identifier: Apache-2.0
#include "core/query/query_parser.h"

#include "core/query/query_lexer.h"

#include <array>

namespace paretoscope::core {

namespace {

using Kind = QueryNode::Kind;

constexpr std::size_t kMostTokens = 2000; ///< a chain of operators is as deep a tree as it is long

QueryNodePtr shared(QueryNode node)
{
    return std::make_shared<const QueryNode>(std::move(node));
}

QueryNodePtr joined(Kind kind, QueryNodePtr left, QueryNodePtr right)
{
    QueryNode node;
    node.kind = kind;
    node.column = left->column;
    node.left = std::move(left);
    node.right = std::move(right);
    return shared(std::move(node));
}

QueryNodePtr literal(const QueryToken& token)
{
    QueryNode node;
    node.column = token.column;
    node.text = token.text;
    node.number = token.number;
    return shared(std::move(node));
}

/// A bare field as a condition asks whether the trial has it.
Result<QueryNodePtr> condition(QueryNodePtr node)
{
    if (isCondition(node->kind))
        return node;
    if (node->kind != Kind::Field)
        return querySyntaxError(node->column, "a value alone is no condition; compare it with something");
    QueryNode has = *node;
    has.kind = Kind::Has;
    return shared(std::move(has));
}

Result<QueryNodePtr> value(QueryNodePtr node)
{
    if (isCondition(node->kind))
        return querySyntaxError(node->column, "a condition stands where a value is expected");
    return node;
}

std::optional<QueryComparison> comparisonOf(const QueryToken& token)
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

/// From weak to strong: or, and, not, comparison, sum, product, operand.
class Parser
{
public:
    explicit Parser(std::vector<QueryToken> tokens)
        : m_tokens(std::move(tokens))
    {}

    Result<QueryNodePtr> parse()
    {
        PSC_ASSIGN(QueryNodePtr root, disjunction());
        if (peek().kind != QueryToken::Kind::End)
            return querySyntaxError(peek().column, "\"" + peek().text + "\" is not expected; and, or?");
        return condition(std::move(root));
    }

private:
    static constexpr int kDeepest = 64; ///< parentheses and signs; so that no filter exhausts the stack

    const QueryToken& peek() const { return m_tokens[m_at]; }
    QueryToken take() { return m_tokens[m_at].kind == QueryToken::Kind::End ? m_tokens[m_at] : m_tokens[m_at++]; }
    bool takeWordOrSign(std::string_view word, std::string_view sign)
    {
        if (!peek().isWord(word) && !peek().isSign(sign))
            return false;
        take();
        return true;
    }

    Result<QueryNodePtr> disjunction()
    {
        PSC_ASSIGN(QueryNodePtr left, conjunction());
        while (takeWordOrSign("or", "||")) {
            PSC_ASSIGN(QueryNodePtr right, conjunction());
            PSC_TRY(joinConditions(Kind::Or, left, right));
        }
        return left;
    }

    Result<QueryNodePtr> conjunction()
    {
        PSC_ASSIGN(QueryNodePtr left, negation());
        while (takeWordOrSign("and", "&&")) {
            PSC_ASSIGN(QueryNodePtr right, negation());
            PSC_TRY(joinConditions(Kind::And, left, right));
        }
        return left;
    }

    static Status joinConditions(Kind kind, QueryNodePtr& left, const QueryNodePtr& right)
    {
        PSC_ASSIGN(QueryNodePtr first, condition(left));
        PSC_ASSIGN(QueryNodePtr second, condition(right));
        left = joined(kind, std::move(first), std::move(second));
        return success();
    }

    Result<QueryNodePtr> negation()
    {
        if (!takeWordOrSign("not", "!"))
            return comparison();
        PSC_TRY(descend());
        PSC_ASSIGN(QueryNodePtr operand, negation());
        --m_depth;
        PSC_ASSIGN(QueryNodePtr inner, condition(std::move(operand)));
        return joined(Kind::Not, std::move(inner), nullptr);
    }

    Result<QueryNodePtr> comparison()
    {
        PSC_ASSIGN(QueryNodePtr subject, sum());
        const bool isList = peek().isWord("in");
        const auto comparison = comparisonOf(peek());
        if (!isList && !comparison)
            return subject;
        QueryNode node;
        node.kind = Kind::Compare;
        node.column = subject->column;
        PSC_ASSIGN(node.left, value(std::move(subject)));
        const QueryToken sign = take();
        if (isList) {
            PSC_ASSIGN(node.others, list());
            return shared(std::move(node));
        }
        node.comparison = *comparison;
        PSC_ASSIGN(QueryNodePtr other, compared(*comparison));
        node.others.push_back(std::move(other));
        QueryNodePtr compare = shared(std::move(node));
        const bool opposite = sign.text == "!=" || sign.text == "<>" || sign.text == "!~";
        return opposite ? joined(Kind::Not, std::move(compare), nullptr) : compare;
    }

    /// What stands right of a comparison. There a lone word is a text ("workload = tiny-llama"), but a field when it
    /// is a baseline's or is ordered by ("bits < attempts").
    Result<QueryNodePtr> compared(QueryComparison comparison)
    {
        if (peek().kind == QueryToken::Kind::End || peek().isSign(")"))
            return querySyntaxError(peek().column, "a value is expected here");
        const QueryToken first = peek();
        PSC_ASSIGN(QueryNodePtr parsed, sum());
        PSC_ASSIGN(QueryNodePtr node, value(std::move(parsed)));
        const bool isText = comparison == QueryComparison::Equal || comparison == QueryComparison::Contains;
        if (node->kind == Kind::Field && first.kind == QueryToken::Kind::Word && isText &&
            !node->text.starts_with(kBaselinePrefix))
            return literal(first);
        return node;
    }

    Result<QueryNodePtr> sum()
    {
        PSC_ASSIGN(QueryNodePtr left, product());
        while (peek().isSign("+") || peek().isSign("-")) {
            const Kind kind = take().text == "+" ? Kind::Add : Kind::Subtract;
            PSC_ASSIGN(QueryNodePtr right, product());
            PSC_TRY(joinValues(kind, left, right));
        }
        return left;
    }

    Result<QueryNodePtr> product()
    {
        PSC_ASSIGN(QueryNodePtr left, operand());
        while (peek().isSign("*") || peek().isSign("/")) {
            const Kind kind = take().text == "*" ? Kind::Multiply : Kind::Divide;
            PSC_ASSIGN(QueryNodePtr right, operand());
            PSC_TRY(joinValues(kind, left, right));
        }
        return left;
    }

    static Status joinValues(Kind kind, QueryNodePtr& left, const QueryNodePtr& right)
    {
        PSC_ASSIGN(QueryNodePtr first, value(left));
        PSC_ASSIGN(QueryNodePtr second, value(right));
        left = joined(kind, std::move(first), std::move(second));
        return success();
    }

    Result<QueryNodePtr> operand()
    {
        const QueryToken token = take();
        switch (token.kind) {
        case QueryToken::Kind::Word: {
            QueryNode field;
            field.kind = Kind::Field;
            field.column = token.column;
            field.text = token.text;
            return shared(std::move(field));
        }
        case QueryToken::Kind::Text:
        case QueryToken::Kind::Number:
            return literal(token);
        case QueryToken::Kind::End:
            return querySyntaxError(token.column,
                                    "a name (a metric, parameter or field) is expected instead of the end");
        case QueryToken::Kind::Sign:
            break;
        }
        if (token.text == "-")
            return negative(token.column);
        if (token.text != "(")
            return querySyntaxError(token.column, "a name (a metric, parameter or field) is expected instead of \"" +
                                                      token.text + "\"");
        PSC_TRY(descend());
        PSC_ASSIGN(QueryNodePtr inner, disjunction());
        --m_depth;
        if (!takeWordOrSign({}, ")"))
            return querySyntaxError(token.column, "this parenthesis is not closed");
        return inner;
    }

    /// What follows a minus, as 0 - it.
    Result<QueryNodePtr> negative(std::size_t column)
    {
        PSC_TRY(descend());
        PSC_ASSIGN(QueryNodePtr parsed, operand());
        --m_depth;
        PSC_ASSIGN(QueryNodePtr operand, value(std::move(parsed)));
        if (operand->kind == Kind::Literal && operand->number) {
            QueryNode number = *operand;
            number.column = column;
            number.text = "-" + number.text;
            number.number = -*number.number;
            return shared(std::move(number));
        }
        QueryToken zero {QueryToken::Kind::Number, "0", 0.0, column};
        return joined(Kind::Subtract, literal(zero), std::move(operand));
    }

    Result<std::vector<QueryNodePtr>> list()
    {
        if (!takeWordOrSign({}, "("))
            return querySyntaxError(peek().column, "\"in\" is followed by a list: in (2, 3)");
        std::vector<QueryNodePtr> literals;
        do {
            PSC_ASSIGN(QueryNodePtr node, compared(QueryComparison::Equal));
            literals.push_back(std::move(node));
        } while (takeWordOrSign({}, ","));
        if (!takeWordOrSign({}, ")"))
            return querySyntaxError(peek().column, "a comma or \")\" is expected in the list");
        return literals;
    }

    Status descend()
    {
        if (++m_depth > kDeepest)
            return querySyntaxError(peek().column, "nested too deeply");
        return success();
    }

    std::vector<QueryToken> m_tokens;
    std::size_t m_at = 0;
    int m_depth = 0;
};

} // namespace

Result<QueryNodePtr> parseQuery(std::string_view text)
{
    PSC_ASSIGN(std::vector<QueryToken> tokens, queryTokens(text));
    if (tokens.size() == 1)
        return QueryNodePtr();
    if (tokens.size() > kMostTokens)
        return querySyntaxError(tokens[kMostTokens].column, "the filter is too long");
    return Parser(std::move(tokens)).parse();
}

} // namespace paretoscope::core
