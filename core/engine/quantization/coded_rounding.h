// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/quantization/coded_tensor.h"

#include <memory>
#include <optional>

namespace paretoscope::engine {

/// How a weight is rounded to a number format that is no uniform grid.
struct CodedOptions
{
    CodedTensor::Form form;
    ScaleCoding scales = ScaleCoding::Float16;
    bool perTensor = false; ///< one scale for the whole weight
    bool meanScale = false; ///< scale = mean magnitude (ternary, as BitNet b1.58) instead of largest / format's largest
    bool roundsUp = false;  ///< of PowerOfTwo: a largest magnitude of at least 1.75 octaves takes the next exponent

    /// From the parameters of quantization/rtn with a `format` other than integer; `group_size` yields to the blocks
    /// that a format has.
    static CodedOptions fromParameters(const core::Json& parameters);
};

/// Rounds every weight to the nearest value of the format times the scale of its group, which is made as stored before
/// codes are. A group of zeros keeps codes of 0.
/// Source: specs quantization 3.
/// @param weight float32 [out, in]; @param mask bool [out, in] of a pruned weight, or undefined;
/// @param largest of Float8: magnitude that the factor of the tensor is made for (of layers that run as one); absent:
/// the weight's own. Errors: Numerical (a scale that is not finite). Deterministic. Computed on the host.
core::Result<std::shared_ptr<const CodedTensor>> roundToFormat(const at::Tensor& weight, const CodedOptions& options,
                                                               const at::Tensor& mask = {},
                                                               std::optional<float> largest = std::nullopt);

} // namespace paretoscope::engine
