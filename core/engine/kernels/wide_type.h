// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

namespace paretoscope::engine {

/// In which sums, softmax and choices are computed: float32 for narrower types, others as they are.
inline at::ScalarType wideType(at::ScalarType type)
{
    return type == at::kBFloat16 || type == at::kHalf ? at::kFloat : type;
}

inline at::Tensor widened(const at::Tensor& x)
{
    return x.to(wideType(x.scalar_type()));
}

} // namespace paretoscope::engine
