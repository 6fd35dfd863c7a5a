// SPDX-License-Identifier: Apache-2.0
#include "core/engine/device/arithmetic.h"

#include <ATen/Context.h>

namespace paretoscope::engine {

core::Result<Arithmetic> arithmeticFor(std::string_view name, at::Device device)
{
    if (name == "float32")
        return Arithmetic::Float32;
    if (name == "bfloat16")
        return Arithmetic::BFloat16;
    if (name != "tf32")
        return core::Error {core::ErrorCode::InvalidArgument, "unknown arithmetic \"" + std::string(name) + '"',
                            "float32, tf32 or bfloat16"};
    if (device.is_cpu())
        return core::Error {core::ErrorCode::Unsupported,
                            "tf32 is arithmetic of NVIDIA cards, and the device is the CPU",
                            "use --arithmetic float32, or --device cuda:0"};
    return Arithmetic::Tf32;
}

at::ScalarType activationType(Arithmetic arithmetic)
{
    return arithmetic == Arithmetic::BFloat16 ? at::kBFloat16 : at::kFloat;
}

Tf32Scope::Tf32Scope(bool isOn)
    : m_isOn(isOn)
{
    if (m_isOn)
        at::globalContext().setAllowTF32CuBLAS(true);
}

Tf32Scope::~Tf32Scope()
{
    if (m_isOn)
        at::globalContext().setAllowTF32CuBLAS(false);
}

} // namespace paretoscope::engine
