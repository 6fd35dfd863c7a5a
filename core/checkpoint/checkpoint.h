// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/base/sha256.h"
#include "core/checkpoint/element_type.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

struct TensorInfo
{
    std::string name;                ///< Hugging Face spelling, also for GGUF
    std::vector<std::int64_t> shape; ///< outermost first, row-major
    ElementType type = ElementType::F32;
    Bytes stored; ///< bytes in the file

    std::int64_t elements() const;
};

/// The tensors and the configuration of one model on disk; weights are memory-mapped and only read when asked for.
/// Thread-safe for reading. Everything in the files was checked before the object exists.
class Checkpoint
{
public:
    virtual ~Checkpoint() = default;

    virtual std::string_view format() const = 0;                ///< "safetensors" or "gguf"
    virtual const std::vector<TensorInfo>& tensors() const = 0; ///< sorted by name
    /// config.json of a Hugging Face folder; for a GGUF file the same keys made from its metadata.
    virtual const Json& config() const = 0;
    /// The files that hold weights and configuration (no tokenizer files), in a fixed order.
    virtual const std::vector<std::filesystem::path>& files() const = 0;

    /// Dequantises or converts a whole tensor; `out.size()` must be its element count. Row-major in
    /// `TensorInfo::shape`; the rotary permutation of GGUF llama files is undone. Exact: scale*(q-z) in float32.
    /// Errors: NotFound (tensor), InvalidArgument (size), Unsupported (integer types).
    virtual Status readFloat32(std::string_view name, std::span<float> out) const = 0;
    /// Slice `index` along the first dimension of a tensor, such as one expert of a stack; as readFloat32, without
    /// touching the other slices where the storage allows it. Errors: as above; InvalidArgument (no such slice).
    Status readSlice(std::string_view name, std::int64_t index, std::span<float> out) const;
    /// The stored bytes as they lie in the file (rotary permutation *not* undone). Valid for the life of the object.
    virtual Result<std::span<const std::byte>> rawBytes(std::string_view name) const = 0;
    /// Tells the kernel that the pages of this tensor are not needed for now.
    virtual void releasePages(std::string_view name) const = 0;
    /// What is odd but harmless about the files, one sentence each; for `inspect` and logs.
    virtual const std::vector<std::string>& warnings() const;

    const TensorInfo* find(std::string_view name) const; ///< nullptr when absent
    Bytes storedBytes() const;                           ///< sum over the tensors; tied tensors are stored once

protected:
    /// readSlice of a tensor that has this slice, into room for exactly it. Here: reads the whole tensor.
    virtual Status sliceOf(const TensorInfo& tensor, std::int64_t index, std::span<float> out) const;
};

/// Opens a Hugging Face folder or a .gguf file. PyTorch pickle files are refused with the reason.
/// Errors: NotFound, Io, Corrupt, Unsupported; each names file, field and value.
Result<std::unique_ptr<Checkpoint>> openCheckpoint(const std::filesystem::path& model);

/// The path that a user's MODEL means: an existing path, or a Hub-style name inside the folders of PARETOSCOPE_MODELS
/// (colon-separated) and the local Hugging Face cache. Never touches a network. Errors: NotFound with near names.
Result<std::filesystem::path> resolveModel(std::string_view model);

/// SHA-256 over names and contents of `Checkpoint::files()`; the model part of a trial's identity.
Result<Sha256Digest> modelDigest(const Checkpoint& checkpoint);

} // namespace paretoscope::core
