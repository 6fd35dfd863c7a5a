// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/measured/calibration.h"
#include "roofline/model/model_shape.h"

namespace paretoscope::roofline {

/// How our engine computes an operation: by operators of libtorch one after the other, where a device could do with a
/// single kernel.
struct EngineKernels
{
    double calls = 1;  ///< operators, or blocks that a kernel goes through one by one
    double passes = 1; ///< how often they move the activations that one kernel would move once

    bool operator==(const EngineKernels&) const = default;
};

/// What decides it besides the operation.
struct EngineSetting
{
    bool isCpu = true;
    bool isPrefill = false;
    double tokens = 1; ///< new ones of a sequence
};

/// @param layer that the operation belongs to; null: entry or head
EngineKernels engineKernels(const Operation& operation, const EngineSetting& setting, const ModelShape& model,
                            const LayerShape* layer);

} // namespace paretoscope::roofline
