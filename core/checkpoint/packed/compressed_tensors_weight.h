// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/checkpoint/packed/packed_weight.h"

#include <string>
#include <vector>

namespace paretoscope::core {

/// One entry of `config_groups`.
struct CompressedTensorsGroup
{
    int bits = 4;
    std::int64_t groupSize = 0;    ///< along the input; 0: not by groups
    std::int64_t blockOutputs = 0; ///< of two-dimensional blocks; 0: none
    std::int64_t blockInputs = 0;
};

struct CompressedTensorsSettings
{
    std::vector<CompressedTensorsGroup> groups;
    bool quantisesActivations = false;
};

/// From `quantization_config`. Errors: Corrupt (values), Unsupported (the sparse formats).
Result<CompressedTensorsSettings> compressedTensorsSettings(const Json& config);

/// The suffix of the tensor by which a layer is known, "weight_packed" or "weight" beside a "weight_scale".
///
/// Which of the formats it is shows in the types: weight_packed I32 = pack-quantized (integers of 2 to 8 bits),
/// weight_packed U8 = two e2m1 a byte (nvfp4 with e4m3 scales and a global scale, mxfp4 with e8m0 scales), weight I8 or
/// F8 = int-, float- and naive-quantized. w = scale*(q - z); nvfp4: code*(scale/global scale).
/// Layout: vllm-project/compressed-tensors. Errors: Corrupt (parts that do not fit together), Unsupported.
Result<PackedWeight> compressedTensorsWeight(const PackedModule& module, const CompressedTensorsSettings& settings);

/// A weight in F8 with `scaleSuffix` holding one factor per block of outputs × inputs; the last blocks may be partial.
/// DeepSeek's "fp8": scaleSuffix "weight_scale_inv", 128 × 128. Errors: Corrupt.
Result<PackedWeight> blockScaledWeight(const PackedModule& module, const std::string& scaleSuffix,
                                       std::int64_t blockOutputs, std::int64_t blockInputs);

} // namespace paretoscope::core
