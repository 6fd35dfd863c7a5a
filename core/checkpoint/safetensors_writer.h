// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/safetensors_layout.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

struct SafetensorsWriterOptions
{
    std::map<std::string, std::string> metadata; ///< beside "format": "pt"
    bool overwrite = false;                      ///< an existing file is an error otherwise
};

/// Writes one .safetensors file, tensor by tensor and in pieces, in any order, so that nothing need fit into memory.
/// The names and shapes are known first; equal content gives equal bytes. The file appears under its name, complete and
/// on the disk, when `finish` returns; before that, and when the object goes away unfinished, nothing is there.
class SafetensorsWriter
{
public:
    /// Reserves the space. Errors: InvalidArgument (`path` exists, SafetensorsLayout::of), Io (folder not writable; not
    /// enough free space, with both numbers).
    static Result<SafetensorsWriter> create(const std::filesystem::path& path, std::vector<TensorDeclaration> tensors,
                                            SafetensorsWriterOptions options = {});

    SafetensorsWriter(SafetensorsWriter&&) noexcept;
    SafetensorsWriter& operator=(SafetensorsWriter&&) noexcept;
    ~SafetensorsWriter();

    /// The next bytes of a tensor. Errors: NotFound (not declared), InvalidArgument (more than its size), Io.
    Status append(std::string_view tensor, std::span<const std::byte> bytes);
    /// The next elements of a tensor of type F32, F16 or BF16, rounded to nearest even.
    /// Errors: as above; Unsupported (another type).
    Status appendFloat32(std::string_view tensor, std::span<const float> values);
    /// Errors: InvalidArgument (a tensor is not complete; names it).
    Status requireComplete() const;
    /// Errors: as requireComplete; Io.
    Status finish();

    const std::filesystem::path& path() const;

private:
    struct Impl;
    explicit SafetensorsWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace paretoscope::core
