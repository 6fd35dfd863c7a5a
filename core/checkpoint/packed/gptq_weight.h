// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/checkpoint/packed/packed_weight.h"

namespace paretoscope::core {

struct GptqSettings
{
    int bits = 4;                 ///< 2, 3, 4 or 8
    std::int64_t groupSize = 128; ///< along the input; -1: one group
    bool zerosMinusOne = true;    ///< version 1 stores z-1
    bool varies = false;          ///< layers may differ (`dynamic`): bits and groups are taken from the shapes
};

/// From `quantization_config`. Errors: Corrupt (values), Unsupported (packings of special kernels such as Marlin).
Result<GptqSettings> gptqSettings(const Json& config);

/// The layer that stores qweight [in*bits/32, out], qzeros [groups, out*bits/32], scales [groups, out] and perhaps
/// g_idx [in]; w = scale*(q - z). Layout: AutoGPTQ. Errors: Corrupt (parts that do not fit together).
Result<PackedWeight> gptqWeight(const PackedModule& module, const GptqSettings& settings);

/// The layer of AutoAWQ's "gemm" layout, 4 bit: qweight [in, out/8], qzeros [groups, out/8], scales [groups, out]; the
/// eight columns of a word are interleaved. Errors: Corrupt.
Result<PackedWeight> awqWeight(const PackedModule& module, std::int64_t groupSize);

} // namespace paretoscope::core
