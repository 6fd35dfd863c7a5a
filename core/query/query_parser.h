// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/query/query_node.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

struct ParsedQuery
{
    QueryNodePtr root;              ///< empty: the text is
    std::vector<std::string> names; ///< of the fields it asks for
};

/// Errors: InvalidArgument, naming the column.
Result<ParsedQuery> parseQuery(std::string_view text);

} // namespace paretoscope::core
