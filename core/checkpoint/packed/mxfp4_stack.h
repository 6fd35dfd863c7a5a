// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/checkpoint/packed/packed_weight.h"

#include <string>
#include <vector>

namespace paretoscope::core {

struct Mxfp4Settings
{
    std::vector<std::string> denseModules; ///< dotted names; "*" stands for any one part of a name
};

/// From `quantization_config`. Errors: Corrupt (modules_to_not_convert is no list of texts).
Result<Mxfp4Settings> mxfp4Settings(const Json& config);

/// The tensors T of which `base` has T_blocks or T_scales.
std::vector<PackedModule> mxfp4Stacks(const Checkpoint& base);

/// The stack T [matrices, in, out] of which T_blocks [matrices, out, in/32, 16] holds the codes, two e2m1 a byte with
/// the first in the lower nibble, and T_scales [matrices, out, in/32] an e8m0 scale for every 32 of them; both are
/// bytes. w = code * 2^(scale-127), in the orientation in which unquantised models of this layout are stored: the
/// transpose of the codes'. Layout: openai/gpt-oss. Errors: Corrupt (parts that do not fit together, a layer that
/// should be dense; on reading: a scale that is no number or too large for float32, with its place).
Result<PackedWeight> mxfp4Stack(const PackedModule& module, const Mxfp4Settings& settings);

} // namespace paretoscope::core
