// SPDX-License-Identifier: Apache-2.0
#include "core/engine/device/device_memory.h"

#include "core/engine/device/cuda_driver.h"
#include "core/memory/physical_memory.h"

#include <c10/core/CachingDeviceAllocator.h>

namespace paretoscope::engine {

namespace {

/// Null: none that keeps count.
c10::DeviceAllocator* allocatorOf(at::Device device)
{
    return device.is_cpu() ? nullptr : dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
}

/// Of the bytes of tensors.
c10::CachingAllocator::Stat allocated(c10::DeviceAllocator& allocator, at::Device device)
{
    const auto stats = allocator.getDeviceStats(device.index());
    return stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
}

} // namespace

core::Bytes memoryOf(at::Device device)
{
    const auto cards = cudaCards();
    const auto index = static_cast<std::size_t>(device.index());
    return device.is_cuda() && cards.ok() && index < cards.value().size() ? cards.value()[index].memory
                                                                          : core::physicalMemory();
}

std::optional<core::Bytes> usedDeviceMemory(at::Device device)
{
    c10::DeviceAllocator* const allocator = allocatorOf(device);
    if (!allocator)
        return std::nullopt;
    return core::Bytes {allocated(*allocator, device).current};
}

PeakDeviceMemory::PeakDeviceMemory(at::Device device)
    : m_device(device)
    , m_allocator(allocatorOf(device))
{
    if (m_allocator)
        m_allocator->resetPeakStats(m_device.index());
}

std::optional<core::Bytes> PeakDeviceMemory::peak() const
{
    if (!m_allocator)
        return std::nullopt;
    return core::Bytes {allocated(*m_allocator, m_device).peak};
}

} // namespace paretoscope::engine
