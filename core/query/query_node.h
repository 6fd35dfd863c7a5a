// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/query/trial_query.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A value as written; "2MB" is the text and, with its unit applied, a number.
struct QueryLiteral
{
    std::string text;
    std::optional<double> number;
};

enum class QueryComparison
{
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains
};

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
    QueryComparison comparison = QueryComparison::Equal;
    std::vector<QueryLiteral> literals; ///< of Compare: any of them
};

using QueryNode = TrialQuery::Node;
using QueryNodePtr = std::shared_ptr<const QueryNode>;

} // namespace paretoscope::core
