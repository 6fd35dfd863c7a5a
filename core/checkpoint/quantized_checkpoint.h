// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/checkpoint.h"

#include <memory>

namespace paretoscope::core {

/// A checkpoint whose linear layers are stored quantised, seen as one with plain weights: `<module>.weight` (of stacked
/// experts: the stack) is dequantised on reading and counts the bytes of all its parts; the parts themselves are not
/// listed, but can still be read by name. The configuration loses its quantization_config. A checkpoint without one is
/// handed back unchanged.
///
/// Knows compressed-tensors, GPTQ (v1, v2), AWQ (gemm), block-scaled fp8 and MXFP4 as in GPT-OSS. What quantises
/// activations as well is mentioned in `warnings()`: only the weights are reproduced. Errors: Unsupported (another
/// method, named), Corrupt (parts of a layer that do not fit together; names the layer).
Result<std::unique_ptr<Checkpoint>> withDequantizedWeights(std::unique_ptr<Checkpoint> base);

} // namespace paretoscope::core
