// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstddef>
#include <limits>

namespace paretoscope::engine {

/// A tensor of the host on `device`; itself when it lies there. A copy to a card is queued: the host goes on.
inline at::Tensor toDevice(const at::Tensor& tensor, at::Device device)
{
    return tensor.to(device, /*non_blocking=*/true);
}

/// Elements in row order, ready to be read by the host; it waits for a card. The tensor itself where nothing is to do.
inline at::Tensor toHost(const at::Tensor& tensor)
{
    return tensor.cpu().contiguous();
}

/// How to make host tensors that a card reads or writes while the host goes on (page-locked); ordinary ones for the
/// CPU.
inline at::TensorOptions stagingOptions(at::Device device, at::ScalarType type)
{
    return at::TensorOptions(type).pinned_memory(!device.is_cpu());
}

/// Samples at once: what the threads of the CPU allow, one after the other on a card, where each fills all of it.
inline std::size_t samplesAtOnce(at::Device device)
{
    return device.is_cpu() ? std::numeric_limits<std::size_t>::max() : 1;
}

} // namespace paretoscope::engine
