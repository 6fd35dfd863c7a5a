// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A row of the header as written; nothing but its syntax was checked.
struct SafetensorsHeaderEntry
{
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

struct SafetensorsHeader
{
    std::map<std::string, std::string> metadata;
    std::vector<SafetensorsHeaderEntry> entries; ///< in the order of the header
};

/// Reads the JSON header of a safetensors file. `source` names the file in messages.
/// Errors: Corrupt, in this order of precedence: no UTF-8 JSON object of the required form, nested deeper than 4;
/// a duplicate key; a number of shape or data_offsets that is not a plain integer of 0 to 2^53.
/// Unsupported: more than 1,000,000 tensors, names over 1024 bytes, more than 8 dimensions.
Result<SafetensorsHeader> parseSafetensorsHeader(std::string_view json, const std::string& source);

} // namespace paretoscope::core
