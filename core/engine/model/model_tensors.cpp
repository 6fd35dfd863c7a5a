// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/model_tensors.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/model/packed_tensor.h"

#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

namespace paretoscope::engine {

CheckpointTensors::CheckpointTensors(std::shared_ptr<const core::Checkpoint> checkpoint,
                                     const core::Architecture& architecture, core::Bytes residentLimit,
                                     at::Device device, at::ScalarType evaluationType)
    : m_checkpoint(std::move(checkpoint))
    , m_device(device)
    , m_evaluationType(evaluationType)
    , m_residentLimit(residentLimit)
{
    for (const core::ExpectedTensor& tensor : architecture.tensors()) {
        if (tensor.transposed && tensor.stacked == 0)
            m_places.emplace(tensor.name, Place {tensor.name, true});
        for (std::int64_t index = 0; index < tensor.stacked; ++index)
            m_places.emplace(core::stackedName(tensor.name, index),
                             Place {tensor.name, tensor.transposed, index, tensor.stacked});
    }
}

const core::TensorInfo* CheckpointTensors::stored(std::string_view name) const
{
    const auto place = m_places.find(name);
    return m_checkpoint->find(place == m_places.end() ? name : place->second.tensor);
}

std::optional<std::vector<std::int64_t>> CheckpointTensors::shape(std::string_view name) const
{
    const core::TensorInfo* info = stored(name);
    if (!info)
        return std::nullopt;
    const auto found = m_places.find(name);
    const Place place = found == m_places.end() ? Place {} : found->second;
    std::vector<std::int64_t> shape(info->shape.begin() + (place.count > 0 ? 1 : 0), info->shape.end());
    if (place.transposed && shape.size() == 2)
        std::swap(shape[0], shape[1]);
    return shape;
}

core::Result<at::Tensor> CheckpointTensors::read(std::string_view name) const
{
    {
        const std::lock_guard lock(m_mutex);
        if (const auto found = m_resident.find(name); found != m_resident.end())
            return found->second;
    }
    PSC_ASSIGN(at::Tensor tensor, readStored(name));
    const core::Bytes size {tensor.numel() * 4};
    const std::lock_guard lock(m_mutex);
    if (m_residentBytes + size <= m_residentLimit && m_resident.emplace(std::string(name), tensor).second)
        m_residentBytes += size;
    return tensor;
}

core::Result<at::Tensor> CheckpointTensors::readStored(std::string_view name) const
{
    const core::TensorInfo* info = stored(name);
    if (!info)
        return core::Error {core::ErrorCode::NotFound, "the model has no tensor " + std::string(name),
                            "`paretoscope inspect` lists its tensors"};
    const auto found = m_places.find(name);
    const Place place = found == m_places.end() ? Place {} : found->second;
    const auto dimensions = info->shape.begin() + (place.count > 0 ? 1 : 0);
    return guarded("reading " + std::string(name), [&]() -> core::Result<at::Tensor> {
        const c10::InferenceMode noInference(false); // a weight may become part of a graph
        at::Tensor tensor =
            at::empty(std::vector<std::int64_t>(dimensions, info->shape.end()), stagingOptions(m_device, at::kFloat));
        const std::span<float> out {tensor.mutable_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
        if (place.count > 0)
            PSC_TRY(m_checkpoint->readSlice(info->name, place.index, out));
        else
            PSC_TRY(m_checkpoint->readFloat32(info->name, out));
        m_checkpoint->releasePages(info->name);
        // This thread waits for the copy: what others find among the resident tensors is complete.
        return (place.transposed && tensor.dim() == 2 ? tensor.t().contiguous() : tensor).to(m_device);
    });
}

void CheckpointTensors::limitResident(core::Bytes limit) const
{
    const std::lock_guard lock(m_mutex);
    m_residentLimit = limit;
    if (m_residentBytes > limit) {
        m_resident.clear();
        m_residentBytes = {};
    }
}

core::Result<at::Tensor> ModelTensors::read(std::string_view name) const
{
    const auto found = m_replaced.find(name);
    if (found == m_replaced.end())
        return m_base->read(name);
    return guarded("dequantising " + std::string(name),
                   [&]() -> core::Result<at::Tensor> { return toDevice(found->second->dequantize(), device()); });
}

std::shared_ptr<const CompressedTensor> ModelTensors::replacement(std::string_view name) const
{
    const auto found = m_replaced.find(name);
    return found == m_replaced.end() ? nullptr : found->second;
}

void ModelTensors::replace(std::string_view name, std::shared_ptr<const CompressedTensor> tensor)
{
    m_replaced.insert_or_assign(std::string(name), std::move(tensor));
}

core::Status ModelTensors::spill(std::string_view name)
{
    const auto found = m_replaced.find(name);
    if (!m_scratch || found == m_replaced.end() || !m_layouts->canRead(*found->second) ||
        dynamic_cast<const SpilledTensor*>(found->second.get()))
        return core::success();
    PSC_ASSIGN(found->second, SpilledTensor::spill(*found->second, m_scratch, m_layouts));
    return core::success();
}

core::Result<LoadedTensors> LoadedTensors::load(const ModelTensors& model, const std::vector<std::string>& names)
{
    LoadedTensors loaded;
    for (const std::string& name : names) {
        PSC_ASSIGN(at::Tensor tensor, model.read(name));
        loaded.m_tensors.emplace(name, std::move(tensor));
    }
    return loaded;
}

core::Result<LoadedTensors> LoadedTensors::loadOriginal(const ModelTensors& model,
                                                        const std::vector<std::string>& names)
{
    LoadedTensors loaded;
    for (const std::string& name : names) {
        PSC_ASSIGN(at::Tensor tensor, model.readOriginal(name));
        loaded.m_tensors.emplace(name, std::move(tensor));
    }
    return loaded;
}

void LoadedTensors::convertMatrices(at::ScalarType type)
{
    for (auto& [name, tensor] : m_tensors) {
        if (tensor.dim() > 1)
            tensor = tensor.to(type);
    }
}

void LoadedTensors::usedByCurrentStream() const
{
    for (const auto& [name, tensor] : m_tensors) {
        if (!tensor.is_cpu())
            tensor.record_stream(c10::impl::VirtualGuardImpl(tensor.device().type()).getStream(tensor.device()));
    }
}

at::Tensor LoadedTensors::tensor(std::string_view name) const
{
    const auto found = m_tensors.find(name);
    PSC_ASSERT(found != m_tensors.end(), "a pass reads a tensor that its block does not list");
    return found->second;
}

} // namespace paretoscope::engine
