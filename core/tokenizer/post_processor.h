// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// What the `post_processor` of tokenizer.json puts before and behind the ids of one text.
struct PostProcessor
{
    std::vector<std::int32_t> before;
    std::vector<std::int32_t> behind;
};

/// A `post_processor` object. Errors: Corrupt (a field, an undefined special token), Unsupported (a type or field that
/// is not known; named).
Result<PostProcessor> makePostProcessor(const Json& part, std::string_view place = "post_processor");

} // namespace paretoscope::core
