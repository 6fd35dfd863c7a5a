// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/query/query_node.h"

#include <string_view>

namespace paretoscope::core {

/// The tree of a filter, a condition at its root; nothing when the text is empty.
/// Errors: InvalidArgument, naming the column.
Result<QueryNodePtr> parseQuery(std::string_view text);

} // namespace paretoscope::core
