// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

struct CudaCard
{
    std::string name; ///< as the driver calls it
    core::Bytes memory;
};

/// The NVIDIA cards of this machine in the driver's order (CUDA_VISIBLE_DEVICES applies), asked of the driver alone: a
/// machine without one need not load gigabytes of libraries to learn that. @param library what holds the driver's
/// entry points. Errors: Unsupported (no driver, a driver that does not start).
core::Result<std::vector<CudaCard>> cudaCards(const std::string& library = "libcuda.so.1");

/// "580.95.05"; empty where there is no NVIDIA driver.
std::string nvidiaDriverVersion();
/// The same from the text of /proc/driver/nvidia/version.
std::string nvidiaDriverVersionIn(std::string_view text);

} // namespace paretoscope::engine
