// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/merge/content.h"

namespace paretoscope::core {

/// Writes what `ProjectContent::unite` added or changed to the database that `content` was read from, and numbers grown
/// groups anew. Inside a transaction. @return the rows written; 0: the database says all of it already
Result<std::int64_t> writeContent(const ProjectContent& content, Database& database);

} // namespace paretoscope::core
