// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/mapped_file.h"
#include "core/base/result.h"
#include "core/checkpoint/element_type.h"
#include "core/checkpoint/gguf_metadata.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// One of the types of GGUF, also those whose values cannot be read here.
struct GgufTensorType
{
    std::string_view name; ///< as the format spells it, e.g. "IQ2_XXS"
    int blockElements = 1;
    int blockBytes = 1;
    std::optional<ElementType> elementType; ///< absent: the values cannot be read
};

struct GgufTensor
{
    std::string name;               ///< as in the file, e.g. "blk.0.attn_q.weight"
    std::vector<std::int64_t> dims; ///< innermost first; a matrix [out, in] is {in, out}
    GgufTensorType type;
    std::span<const std::byte> data;
};

/// A GGUF file (version 2 or 3, little-endian): metadata and the table of tensors, all checked, weights memory-mapped.
/// Thread-safe for reading; movable, the bytes keep their place.
class GgufFile
{
public:
    /// Errors: NotFound, Io; Corrupt and Unsupported, each naming the file, the field and its value.
    static Result<GgufFile> open(const std::filesystem::path& path);
    /// The same for bytes in memory, which must outlive the object. `source` names them in messages.
    static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string source);

    const GgufMetadata& metadata() const { return m_metadata; }
    const std::vector<GgufTensor>& tensors() const { return m_tensors; } ///< in the order of the file
    const GgufTensor* find(std::string_view name) const;

private:
    MappedFile m_file;
    GgufMetadata m_metadata;
    std::vector<GgufTensor> m_tensors;
};

/// The number of an element type in the format; nothing when it has no such type.
std::optional<std::uint32_t> ggufTypeNumber(ElementType type);

/// Whether the file starts with the magic number of GGUF.
bool isGguf(std::span<const std::byte> bytes);

} // namespace paretoscope::core
