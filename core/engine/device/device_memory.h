// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/engine/aten.h"

#include <optional>

namespace c10 {
struct DeviceAllocator;
}

namespace paretoscope::engine {

/// Memory of a card: in all as its driver says; for others than NVIDIA's that of the machine.
core::Bytes memoryOf(at::Device device);

/// Memory of a card that tensors take right now; nothing for the CPU, and for a card whose allocator keeps no count.
std::optional<core::Bytes> usedDeviceMemory(at::Device device);

/// Most memory of a card that tensors took at once since construction.
class PeakDeviceMemory
{
public:
    explicit PeakDeviceMemory(at::Device device);
    std::optional<core::Bytes> peak() const; ///< nothing for the CPU

private:
    at::Device m_device;
    c10::DeviceAllocator* m_allocator; ///< null: none that keeps count
};

} // namespace paretoscope::engine
