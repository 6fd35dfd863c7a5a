// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/query/trial_query.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

enum class QueryComparison
{
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains
};

/// A condition or a value of a filter, as a tree.
struct TrialQuery::Node
{
    enum class Kind
    {
        // conditions
        And,
        Or,
        Not,
        Has, ///< the trial has a value of the field `text`
        Compare,
        // values
        Literal, ///< `text`, and `number` when it is one: "2MB" is both
        Field,   ///< `text` names it
        Add,
        Subtract,
        Multiply,
        Divide
    };

    Kind kind = Kind::Literal;
    std::size_t column = 1; ///< where it begins in the text of the filter, from 1
    std::shared_ptr<const Node> left;
    std::shared_ptr<const Node> right; ///< of And, Or and arithmetic
    std::string text;
    std::optional<double> number;
    QueryComparison comparison = QueryComparison::Equal;
    std::vector<std::shared_ptr<const Node>> others; ///< of Compare: `left` is held against any of them
};

using QueryNode = TrialQuery::Node;
using QueryNodePtr = std::shared_ptr<const QueryNode>;

inline bool isCondition(QueryNode::Kind kind)
{
    return kind <= QueryNode::Kind::Compare;
}

} // namespace paretoscope::core
