// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/database.h"
#include "core/project/table_shape.h"
#include "core/project/verify.h"

namespace paretoscope::core {

/// Every cell by itself: text is UTF-8, JSON parses, times are times, numbers are finite and not negative where they
/// count something, hashes have their length, names of states are known.
void checkCells(Database& database, std::span<const TableShape> tables, VerifyReport& report);

/// Rows against each other: numbering of attempts and replicates, doubled and contradicting rows, sizes of blobs.
void checkRows(Database& database, VerifyReport& report);

} // namespace paretoscope::core
