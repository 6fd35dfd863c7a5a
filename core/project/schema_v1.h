// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace paretoscope::core {

/// "PSCP", big-endian at byte 68 of the file (SQLite's application_id). Never changes.
inline constexpr std::int32_t kApplicationId = 0x50534350;

/// The tables of schema version 1. Frozen: later versions add migrations, they do not edit this text.
/// docs/project-file.md explains every column.
extern const std::string_view kSchemaV1;

} // namespace paretoscope::core
