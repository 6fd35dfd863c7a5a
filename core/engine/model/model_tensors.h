// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/base/scratch_file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/plugin/workload.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// The tensors of a checkpoint as float32 on one device, in the orientation in which the graph reads them. Keeps what
/// was read as long as all of it fits `residentLimit`; otherwise every read dequantises from the mapped file again.
/// Thread-safe.
class CheckpointTensors
{
public:
    /// The tensors of `architecture` that are stored transposed are turned when they are read; of stacked ones a single
    /// matrix is read.
    CheckpointTensors(std::shared_ptr<const core::Checkpoint> checkpoint, const core::Architecture& architecture,
                      core::Bytes residentLimit, at::Device device = at::kCPU,
                      at::ScalarType evaluationType = at::kFloat);

    /// Not to be modified in place. Errors: NotFound, Unsupported; OutOfMemory.
    core::Result<at::Tensor> read(std::string_view name) const;
    /// The tensor of the checkpoint that holds what the graph reads under this name; nullptr when there is none.
    const core::TensorInfo* stored(std::string_view name) const;
    /// Of what `read` gives; nothing when there is no such tensor.
    std::optional<std::vector<std::int64_t>> shape(std::string_view name) const;
    /// Applies from now on; gives up what is kept when it exceeds the limit.
    void limitResident(core::Bytes limit) const;
    const core::Checkpoint& checkpoint() const { return *m_checkpoint; }
    at::Device device() const { return m_device; }
    at::ScalarType evaluationType() const { return m_evaluationType; }

private:
    /// Where the checkpoint has what the graph reads under another name or in another orientation.
    struct Place
    {
        std::string tensor;
        bool transposed = false;
        std::int64_t index = 0;
        std::int64_t count = 0; ///< matrices in the tensor; 0: it is read as a whole
    };
    core::Result<at::Tensor> readStored(std::string_view name) const;

    std::shared_ptr<const core::Checkpoint> m_checkpoint;
    at::Device m_device;
    at::ScalarType m_evaluationType;
    std::map<std::string, Place, std::less<>> m_places; ///< by graph name; those that are as stored are absent
    mutable core::Bytes m_residentLimit;
    mutable std::mutex m_mutex;
    mutable std::map<std::string, at::Tensor, std::less<>> m_resident;
    mutable core::Bytes m_residentBytes;
};

/// A model at some point of a pipeline: the checkpoint with what the stages replaced. Copies are cheap and independent.
class ModelTensors
{
public:
    explicit ModelTensors(std::shared_ptr<const CheckpointTensors> base)
        : m_base(std::move(base))
    {}

    core::Result<at::Tensor> read(std::string_view name) const; ///< float32 on the device, as replaced
    core::Result<at::Tensor> readOriginal(std::string_view name) const { return m_base->read(name); }
    const core::TensorInfo* stored(std::string_view name) const { return m_base->stored(name); }
    std::optional<std::vector<std::int64_t>> shape(std::string_view name) const { return m_base->shape(name); }
    /// Null when the tensor is as in the checkpoint.
    std::shared_ptr<const CompressedTensor> replacement(std::string_view name) const;
    void replace(std::string_view name, std::shared_ptr<const CompressedTensor> tensor);
    const std::map<std::string, std::shared_ptr<const CompressedTensor>, std::less<>>& replacements() const
    {
        return m_replaced;
    }
    /// What can be read back; those of the engine itself until a host tells of others.
    const TensorLayouts& layouts() const { return *m_layouts; }
    void readWith(std::shared_ptr<const TensorLayouts> layouts) { m_layouts = std::move(layouts); }
    /// From now on `spill` moves replacements to this file.
    void spillTo(std::shared_ptr<core::ScratchFile> file) { m_scratch = std::move(file); }
    /// Leaves only the place of a replacement in memory, if there is a file and the layout can be read back.
    /// Errors: Io (scratch disk full).
    core::Status spill(std::string_view name);
    const core::Checkpoint& checkpoint() const { return m_base->checkpoint(); }
    /// On which everything computes that reads these tensors.
    at::Device device() const { return m_base->device(); }
    /// In which an evaluation holds matrices and activations of blocks; what is read here is float32 all the same.
    at::ScalarType evaluationType() const { return m_base->evaluationType(); }

private:
    std::shared_ptr<const TensorLayouts> m_layouts = TensorLayouts::builtIn();
    std::shared_ptr<core::ScratchFile> m_scratch;
    std::shared_ptr<const CheckpointTensors> m_base;
    std::map<std::string, std::shared_ptr<const CompressedTensor>, std::less<>> m_replaced;
};

/// The tensors of one block (or of entry or head), read at once and held while samples pass through.
class LoadedTensors : public TensorSource
{
public:
    static core::Result<LoadedTensors> load(const ModelTensors& model, const std::vector<std::string>& names);
    /// The same tensors of the uncompressed model.
    static core::Result<LoadedTensors> loadOriginal(const ModelTensors& model, const std::vector<std::string>& names);

    /// The tensor must be among the loaded ones.
    at::Tensor tensor(std::string_view name) const override;
    void set(std::string_view name, at::Tensor value)
    {
        m_tensors.insert_or_assign(std::string(name), std::move(value));
    }
    /// Matrices become this type; vectors (norms, biases, sinks) stay as they are.
    void convertMatrices(at::ScalarType type);
    /// To be called when they were made on another stream of the card: their memory is used again no sooner than the
    /// current stream is through with them.
    void usedByCurrentStream() const;

private:
    std::map<std::string, at::Tensor, std::less<>> m_tensors;
};

} // namespace paretoscope::engine
