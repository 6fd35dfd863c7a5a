// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/schema_check.h"
#include "core/project/verify.h"

namespace paretoscope::core {

/// Tables, indices and other objects that are foreign, changed or missing.
void reportSchema(const Schema& found, const Schema& expected, VerifyReport& report);

/// Every page, cell, index entry, NOT NULL, UNIQUE and CHECK, as SQLite's integrity_check sees them.
void checkPages(Database& database, VerifyReport& report);

/// Rows that refer to rows that are not there.
void checkForeignKeys(Database& database, VerifyReport& report);

} // namespace paretoscope::core
