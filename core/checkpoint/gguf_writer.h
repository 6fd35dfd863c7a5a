// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/gguf_entries.h"
#include "core/checkpoint/safetensors_layout.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Writes one GGUF file (version 3, alignment 32), tensor by tensor and in pieces, in any order, so that nothing need
/// fit into memory. Names and shapes are known first; tensors lie in the order of their declaration. The file appears
/// under its name, complete and on the disk, when `finish` returns; before that, and when the object goes away
/// unfinished, nothing is there.
class GgufWriter
{
public:
    /// Reserves the space. Errors: InvalidArgument (`path` exists; two tensors of one name, a name of more than 63
    /// bytes, more than 4 dimensions, rows that do not fill whole blocks), Unsupported (an element type that GGUF does
    /// not have), Io (folder not writable; not enough free space).
    static Result<GgufWriter> create(const std::filesystem::path& path, const GgufEntries& entries,
                                     const std::vector<TensorDeclaration>& tensors);

    GgufWriter(GgufWriter&&) noexcept;
    GgufWriter& operator=(GgufWriter&&) noexcept;
    ~GgufWriter();

    /// The next bytes of a tensor. Errors: NotFound (not declared), InvalidArgument (more than its size), Io.
    Status append(std::string_view tensor, std::span<const std::byte> bytes);
    /// The next elements of a tensor of type F32, F16 or BF16, rounded to nearest even.
    /// Errors: as above; Unsupported (another type).
    Status appendFloat32(std::string_view tensor, std::span<const float> values);
    /// Errors: InvalidArgument (a tensor is not complete; names it); Io.
    Status finish();

private:
    struct Impl;
    explicit GgufWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace paretoscope::core
