// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"

#include <optional>
#include <string_view>

namespace paretoscope::engine {

/// In which numbers blocks are evaluated. Methods, their statistics, logits and losses are computed in float32 or wider
/// whatever this says, so that a result never depends on it.
enum class Arithmetic
{
    Float32,
    Tf32,    ///< float32, but products of matrices round their factors to 10 bits of mantissa; NVIDIA cards
    BFloat16 ///< weights and activations of blocks; norms, softmax and routers in float32
};

/// "float32", "tf32" or "bfloat16" on this device. Errors: InvalidArgument (another name), Unsupported (TF32 on a CPU).
core::Result<Arithmetic> arithmeticFor(std::string_view name, at::Device device);

/// The type of weights and activations inside blocks.
at::ScalarType activationType(Arithmetic arithmetic);

/// While it lives, and is on, products of float32 matrices on cards are in TF32.
class Tf32Scope
{
public:
    explicit Tf32Scope(bool isOn);
    ~Tf32Scope();
    Tf32Scope(const Tf32Scope&) = delete;
    Tf32Scope& operator=(const Tf32Scope&) = delete;

private:
    bool m_isOn;
};

} // namespace paretoscope::engine
