// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A weight matrix [out, in], or a stack of such, that a quantised checkpoint stores as several tensors: codes, scales,
/// zero points.
struct PackedWeight
{
    TensorInfo info;                              ///< "<module>.weight"; `stored` is the sum over the parts
    std::vector<std::string> parts;               ///< tensors of the file that it consumes
    std::function<Status(std::span<float>)> read; ///< writes info.elements() values, row-major in info.shape
    /// Of a stack: writes the values of one matrix. Empty: it is one matrix.
    std::function<Status(std::int64_t, std::span<float>)> readMatrix = {};
};

/// One tensor of the file that is part of a packed weight. The bytes need no alignment.
struct PackedPart
{
    TensorInfo info;
    std::span<const std::byte> data;

    std::int64_t dimension(std::size_t index) const { return index < info.shape.size() ? info.shape[index] : 1; }
};

/// The tensors "<module>.<suffix>" of one quantised layer.
class PackedModule
{
public:
    /// @param separator what stands between the name of the layer and those of its parts
    PackedModule(const Checkpoint& base, std::string module, std::string separator = ".");

    const std::string& name() const { return m_module; }
    std::optional<PackedPart> find(std::string_view suffix) const;
    /// Errors: Corrupt (absent; of another type or another number of dimensions).
    Result<PackedPart> require(std::string_view suffix, ElementType type, std::size_t rank) const;
    /// Errors: Corrupt (absent, or of a type that cannot be read as float32).
    Result<PackedPart> requireFloats(std::string_view suffix) const;
    Result<std::vector<float>> floats(const PackedPart& part) const;
    /// A fault of this module's parts.
    Error fail(const std::string& problem) const;

    PackedWeight weight(std::int64_t out, std::int64_t in, const std::vector<PackedPart>& parts) const;

private:
    const Checkpoint* m_base; // outlives the module
    std::string m_module;
    std::string m_separator;
};

/// The 32-bit word at a position counted in words.
std::uint32_t wordAt(std::span<const std::byte> data, std::int64_t index);

/// The `index`-th of the `bits`-wide codes that are packed without gaps, lowest bit first, into 32-bit words. The words
/// lie `stride` words apart from `first` on (1: along a row; the row length: down a column).
std::uint32_t packedCode(std::span<const std::byte> data, std::int64_t first, std::int64_t stride, std::int64_t index,
                         int bits);

/// Words that `count` codes of `bits` take without gaps.
constexpr std::int64_t packedWords(std::int64_t count, int bits)
{
    return (count * bits + 31) / 32;
}

constexpr std::int64_t dividedUp(std::int64_t value, std::int64_t divisor)
{
    return value / divisor + (value % divisor != 0 ? 1 : 0);
}

} // namespace paretoscope::core
