// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/checkpoint/gguf_config.h"
#include "core/checkpoint/gguf_metadata.h"

#include <string>
#include <string_view>

namespace paretoscope::core {

struct GgufRopeSource
{
    const GgufMetadata& metadata;
    const std::string& architecture;
    const GgufTensorLookup& tensor;
    const Json& config; ///< with rope_theta and max_position_embeddings
};

/// `rope_scaling` of config.json: null, or an object of type linear, yarn, llama3 or longrope. Frequency factors that
/// no such formula explains give the type "frequency_factors", which says no more than that there are some.
/// Errors: Corrupt (values of a wrong type), Unsupported (another scaling type, named).
Result<Json> ropeScaling(const GgufRopeSource& source);

/// A number as the shortest decimal that reads back to the same 32-bit float: 1e-05, not 9.99999974737875e-06.
Result<double> decimalNumber(const GgufMetadata& metadata, std::string_view key);

} // namespace paretoscope::core
