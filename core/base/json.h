// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace paretoscope::core {

/// Object keys are kept sorted, so two equal documents print equally.
using Json = nlohmann::json;

/// Parses UTF-8 JSON. Duplicate keys, trailing text and nesting deeper than `maxDepth` are errors.
/// Errors: Corrupt, naming `what` (a file or message) and the byte position.
Result<Json> parseJson(std::string_view text, std::string_view what, int maxDepth = 64);

/// One spelling per value: sorted keys, no white space, integral doubles below 2^53 written as integers, other doubles
/// in the shortest form that reads back equal, UTF-8 kept. Independent of the locale. Used for identities.
std::string canonicalJson(const Json& value);

} // namespace paretoscope::core
