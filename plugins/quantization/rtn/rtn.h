// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/quantization/affine.h"
#include "core/engine/quantization/coded_rounding.h"

#include <memory>
#include <optional>

namespace paretoscope::rtn {

/// What the parameters ask for.
struct Options
{
    engine::AffineOptions grid; ///< of the format integer; its group is the row where channels share a scale
    bool perTensor = false;     ///< one grid or scale for the whole weight
    std::optional<engine::CodedOptions> coded {}; ///< of every other format
    /// The global scale is that of the largest weight among the layers that run as one (nvfp4).
    bool sharesFactor = false;

    static Options fromParameters(const core::Json& parameters);
};

/// Why parameters contradict each other, in one sentence; success when they do not.
core::Status checkCombination(const core::Json& parameters);

/// Every weight to the nearest value that its format and scale have. Source: specs quantization 2 and 3.
/// @param weight float32 [out, in]; @param mask bool [out, in] of a pruned weight, or undefined; @param largest as
/// roundToFormat. Errors: Numerical (a value or scale that is not finite). Deterministic.
core::Result<std::shared_ptr<const engine::CompressedTensor>> quantize(const at::Tensor& weight, const Options& options,
                                                                       const at::Tensor& mask = {},
                                                                       std::optional<float> largest = std::nullopt);

} // namespace paretoscope::rtn
