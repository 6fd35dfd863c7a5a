// SPDX-License-Identifier: Apache-2.0
#include "core/engine/activations/activation_store.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace paretoscope::engine {

namespace {

std::int64_t bytesOf(const at::Tensor& value)
{
    return static_cast<std::int64_t>(value.nbytes());
}

/// Not complete before the card's stream has come here.
at::Tensor queuedToHost(const at::Tensor& value, at::Device device)
{
    if (value.is_cpu())
        return value;
    return at::empty(value.sizes(), stagingOptions(device, value.scalar_type())).copy_(value, /*non_blocking=*/true);
}

} // namespace

ActivationStore::ActivationStore(std::size_t samples, core::Bytes inMemory, const std::filesystem::path& scratchFolder,
                                 at::Device device)
    : m_limit(inMemory)
    , m_device(device)
    , m_places(samples)
    , m_scratch(scratchFolder)
{}

bool ActivationStore::claim(std::int64_t bytes)
{
    const std::lock_guard lock(m_mutex);
    if (bytes > m_limit.value - m_residentBytes)
        return false;
    m_residentBytes += bytes;
    return true;
}

void ActivationStore::release(Place& place)
{
    if (!place.resident.defined())
        return;
    const std::lock_guard lock(m_mutex);
    m_residentBytes -= bytesOf(place.resident);
    place.resident = at::Tensor();
}

core::Status ActivationStore::put(std::size_t sample, const at::Tensor& value)
{
    Place& place = m_places[sample];
    release(place);
    const std::int64_t bytes = bytesOf(value);
    place.bytes = bytes;
    if (claim(bytes)) {
        place.resident = queuedToHost(value, m_device);
        return core::success();
    }
    const at::Tensor raw = toHost(value);
    place.shape = raw.sizes().vec();
    place.type = raw.scalar_type();
    if (place.room < bytes) {
        PSC_ASSIGN(place.offset, m_scratch.reserve(bytes));
        place.room = bytes;
    }
    return m_scratch.write(place.offset,
                           {static_cast<const std::byte*>(raw.const_data_ptr()), static_cast<std::size_t>(bytes)});
}

core::Bytes ActivationStore::bytes() const
{
    core::Bytes total;
    for (const Place& place : m_places)
        total.value += place.bytes;
    return total;
}

core::Result<at::Tensor> ActivationStore::get(std::size_t sample) const
{
    PSC_ASSIGN(const at::Tensor value, find(sample));
    return toDevice(value, m_device);
}

core::Result<at::Tensor> ActivationStore::getOnHost(std::size_t sample) const
{
    PSC_ASSIGN(const at::Tensor value, find(sample));
    if (!m_device.is_cpu())
        c10::impl::VirtualGuardImpl(m_device.type()).synchronizeDevice(m_device.index());
    return value;
}

core::Result<at::Tensor> ActivationStore::find(std::size_t sample) const
{
    const Place& place = m_places[sample];
    if (place.resident.defined())
        return place.resident;
    PSC_ASSERT(place.offset >= 0, "a sample's activation is read before it was put");
    at::Tensor value = at::empty(place.shape, stagingOptions(m_device, place.type));
    PSC_TRY(m_scratch.read(place.offset, {static_cast<std::byte*>(value.mutable_data_ptr()), value.nbytes()}));
    return value;
}

core::Result<at::Tensor> ActivationStore::take(std::size_t sample)
{
    PSC_ASSIGN(at::Tensor value, get(sample));
    release(m_places[sample]);
    return value;
}

} // namespace paretoscope::engine
