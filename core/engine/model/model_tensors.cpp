// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/model_tensors.h"

#include "core/base/assert.h"
#include "core/engine/foreign_exception.h"

namespace paretoscope::engine {

CheckpointTensors::CheckpointTensors(std::shared_ptr<const core::Checkpoint> checkpoint,
                                     const core::Architecture& architecture, core::Bytes residentLimit)
    : m_checkpoint(std::move(checkpoint))
    , m_residentLimit(residentLimit)
{
    for (const core::ExpectedTensor& tensor : architecture.tensors()) {
        if (tensor.transposed)
            m_transposed.insert(tensor.name);
    }
}

core::Result<at::Tensor> CheckpointTensors::read(std::string_view name) const
{
    {
        const std::lock_guard lock(m_mutex);
        if (const auto found = m_resident.find(name); found != m_resident.end())
            return found->second;
    }
    const core::TensorInfo* info = m_checkpoint->find(name);
    if (!info)
        return core::Error {core::ErrorCode::NotFound, "the model has no tensor " + std::string(name),
                            "`paretoscope inspect` lists its tensors"};
    PSC_ASSIGN(at::Tensor tensor, guarded("allocating " + info->name, [&]() -> core::Result<at::Tensor> {
                   return at::empty(info->shape, at::kFloat);
               }));
    const auto elements = static_cast<std::size_t>(info->elements());
    PSC_TRY(m_checkpoint->readFloat32(name, {tensor.mutable_data_ptr<float>(), elements}));
    if (m_transposed.contains(name))
        tensor = tensor.t().contiguous();

    const core::Bytes size {static_cast<std::int64_t>(elements) * 4};
    const std::lock_guard lock(m_mutex);
    if (m_residentBytes + size <= m_residentLimit && m_resident.emplace(std::string(name), tensor).second)
        m_residentBytes += size;
    m_checkpoint->releasePages(name);
    return tensor;
}

core::Result<at::Tensor> ModelTensors::read(std::string_view name) const
{
    const auto found = m_replaced.find(name);
    if (found == m_replaced.end())
        return m_base->read(name);
    return guarded("dequantising " + std::string(name),
                   [&]() -> core::Result<at::Tensor> { return found->second->dequantize(); });
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

at::Tensor LoadedTensors::tensor(std::string_view name) const
{
    const auto found = m_tensors.find(name);
    PSC_ASSERT(found != m_tensors.end(), "a pass reads a tensor that its block does not list");
    return found->second;
}

} // namespace paretoscope::engine
