// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// A regular file mapped read-only. The bytes stay valid for the life of the object; an empty file gives an empty span.
class MappedFile
{
public:
    /// Errors: NotFound; Io (no permission, not a regular file, cannot be mapped).
    static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile() = default;
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;

    std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(m_data), m_size}; }
    std::string_view text() const { return {static_cast<const char*>(m_data), m_size}; }

private:
    void* m_data = nullptr;
    std::size_t m_size = 0;
};

/// The whole content of a small file. Errors: NotFound, Io; Unsupported when it is larger than `limitBytes`.
Result<std::string> readTextFile(const std::filesystem::path& path, std::size_t limitBytes = std::size_t(256) << 20);

/// Replaces `path` as one step: temporary file beside it, fsync, rename. Nothing half-written ever carries the name.
/// Errors: Io (with the free space when the disk is full); the old content is then untouched.
Status writeFileAtomically(const std::filesystem::path& path, std::string_view content);

} // namespace paretoscope::core
