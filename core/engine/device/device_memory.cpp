// SPDX-License-Identifier: Apache-2.0
#include "core/engine/device/device_memory.h"

#include "core/engine/device/cuda_driver.h"
#include "core/memory/physical_memory.h"

#include <c10/core/CachingDeviceAllocator.h>

namespace paretoscope::engine {

core::Bytes memoryOf(at::Device device)
{
    const auto cards = cudaCards();
    const auto index = static_cast<std::size_t>(device.index());
    return device.is_cuda() && cards.ok() && index < cards.value().size() ? cards.value()[index].memory
                                                                          : core::physicalMemory();
}

PeakDeviceMemory::PeakDeviceMemory(at::Device device)
    : m_device(device)
    , m_allocator(device.is_cpu() ? nullptr : dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type())))
{
    if (m_allocator)
        m_allocator->resetPeakStats(m_device.index());
}

std::optional<core::Bytes> PeakDeviceMemory::peak() const
{
    if (!m_allocator)
        return std::nullopt;
    const auto stats = m_allocator->getDeviceStats(m_device.index());
    return core::Bytes {
        stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak};
}

} // namespace paretoscope::engine
