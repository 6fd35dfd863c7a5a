// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/mapped_file.h"
#include "core/base/result.h"
#include "core/checkpoint/element_type.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

struct SafetensorsEntry
{
    std::string name;
    ElementType type = ElementType::F32;
    std::vector<std::int64_t> shape; ///< outermost first, row-major; empty for a scalar
    std::span<const std::byte> data;
};

/// One .safetensors file, its header checked as the format demands, the tensors memory-mapped.
/// Thread-safe for reading; movable, the bytes keep their place.
class SafetensorsFile
{
public:
    /// Errors: NotFound, Io; Corrupt and Unsupported, each naming the file, the tensor or field and its value. Checks
    /// come in the order of the format's table, from the length of the header to the element types.
    static Result<SafetensorsFile> open(const std::filesystem::path& path);
    /// The same for bytes in memory, which must outlive the object. `source` names them in messages.
    static Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::string source);

    const std::string& source() const { return m_source; }
    const std::vector<SafetensorsEntry>& tensors() const { return m_tensors; }        ///< sorted by name
    const SafetensorsEntry* find(std::string_view name) const;                        ///< nullptr when absent
    const std::map<std::string, std::string>& metadata() const { return m_metadata; } ///< `__metadata__`

    /// Converts a whole tensor. Errors: NotFound; InvalidArgument (`out.size()` is not its element count);
    /// Unsupported (integers, complex numbers).
    Status readFloat32(std::string_view name, std::span<float> out) const;
    /// Every tensor that can be; for small files. Errors: NotFound, Unsupported.
    Result<std::vector<float>> readFloat32(std::string_view name) const;

private:
    std::string m_source;
    MappedFile m_file;
    std::map<std::string, std::string> m_metadata;
    std::vector<SafetensorsEntry> m_tensors;
};

} // namespace paretoscope::core
