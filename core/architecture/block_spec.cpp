// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/block_spec.h"

namespace paretoscope::core {

void appendTensors(std::vector<ExpectedTensor>& tensors, const BlockSpec& block)
{
    for (const SublayerSpec& sublayer : block.sublayers) {
        if (sublayer.norm)
            appendTensors(tensors, *sublayer.norm);
        std::visit([&](const auto& part) { appendTensors(tensors, part); }, sublayer.part);
        if (sublayer.postNorm)
            appendTensors(tensors, *sublayer.postNorm);
        if (sublayer.residualNorm)
            appendTensors(tensors, *sublayer.residualNorm);
    }
}

} // namespace paretoscope::core
