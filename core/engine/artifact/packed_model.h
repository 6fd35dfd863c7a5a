// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/base/sha256.h"
#include "core/checkpoint/safetensors_layout.h"
#include "core/engine/model/model_tensors.h"

#include <filesystem>
#include <map>
#include <string>

namespace paretoscope::engine {

/// A compressed model on disk.
struct PackedModel
{
    core::Sha256Digest digest; ///< of the file, and its name
    core::Bytes bytes;
};

/// Writes what the stages of a pipeline made of a model: one safetensors file with every replaced tensor in packed form
/// (parts as `TENSOR/PART`), how each is laid out and the hash of the model it belongs to. What was not replaced is
/// not in it. Equal tensors give equal files.
class ModelPacker
{
public:
    /// @param model  hash of the uncompressed model
    /// Errors: Unsupported (a tensor in a layout that cannot be read back; names it).
    static core::Result<ModelPacker> of(const ModelTensors& tensors, const core::Sha256Digest& model);

    bool isEmpty() const { return m_parts.empty(); } ///< nothing was replaced
    core::Bytes bytes() const { return m_bytes; }    ///< of the file
    /// The file stands in `folder` under the hex digits of its hash, on the disk, when this returns; until then nothing
    /// that has such a name. One tensor is in memory at a time. Errors: Io (folder not writable, disk full).
    core::Result<PackedModel> write(const std::filesystem::path& folder) const;

private:
    ModelPacker(const ModelTensors& tensors, std::vector<core::TensorDeclaration> parts,
                std::map<std::string, std::string> metadata, core::Bytes bytes);

    ModelTensors m_tensors;
    std::vector<core::TensorDeclaration> m_parts;
    std::map<std::string, std::string> m_metadata;
    core::Bytes m_bytes;
};

/// Replaces the tensors of `tensors` by those of the file: the model is then what it was when it was packed, bit for
/// bit. On an error `tensors` is as before.
/// @param digest  what the file must hash to; @param model  hash of the uncompressed model that `tensors` is
/// Errors: NotFound; Corrupt (another hash, another model, tensors that the model does not have in this shape).
core::Status unpackModel(const std::filesystem::path& file, const core::Sha256Digest& digest,
                         const core::Sha256Digest& model, ModelTensors& tensors);

} // namespace paretoscope::engine
