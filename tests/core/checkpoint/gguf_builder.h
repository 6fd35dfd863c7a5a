// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/gguf_metadata.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::test {

/// The little-endian bytes of a number.
template <typename T>
std::string bytesOf(T value)
{
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// The little-endian bytes of several numbers.
template <typename T>
std::string bytesOf(const std::vector<T>& values)
{
    std::string bytes;
    for (const T value : values)
        bytes += bytesOf(value);
    return bytes;
}

/// Writes GGUF files into memory, right ones and ones that lie.
class GgufBuilder
{
public:
    using Type = core::GgufValueType;

    static std::string text(std::string_view value)
    {
        return bytesOf(std::uint64_t(value.size())) + std::string(value);
    }

    /// A metadata entry with its value encoded by the caller.
    GgufBuilder& entry(std::string_view key, Type type, const std::string& value)
    {
        m_entries.push_back(text(key) + bytesOf(static_cast<std::uint32_t>(type)) + value);
        return *this;
    }
    GgufBuilder& string(std::string_view key, std::string_view value) { return entry(key, Type::String, text(value)); }
    GgufBuilder& u32(std::string_view key, std::uint32_t value) { return entry(key, Type::U32, bytesOf(value)); }
    GgufBuilder& f32(std::string_view key, float value) { return entry(key, Type::F32, bytesOf(value)); }
    GgufBuilder& array(std::string_view key, Type type, std::uint64_t count, const std::string& elements)
    {
        return entry(key, Type::Array, bytesOf(static_cast<std::uint32_t>(type)) + bytesOf(count) + elements);
    }
    GgufBuilder& strings(std::string_view key, const std::vector<std::string>& values)
    {
        std::string elements;
        for (const std::string& value : values)
            elements += text(value);
        return array(key, Type::String, values.size(), elements);
    }

    /// `dims` innermost first; `type` is the number of the format.
    GgufBuilder& tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                        std::string data)
    {
        m_tensors.push_back({std::string(name), dims, type, std::move(data), std::nullopt});
        return *this;
    }
    GgufBuilder& f32Tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                           const std::vector<float>& values)
    {
        return tensor(name, dims, 0, bytesOf(values));
    }
    /// Makes the last tensor state another offset than its own.
    GgufBuilder& lieAboutOffset(std::uint64_t offset)
    {
        m_tensors.back().offset = offset;
        return *this;
    }

    std::uint32_t version = 3;
    std::optional<std::uint64_t> statedTensors;
    std::optional<std::uint64_t> statedEntries;
    std::size_t alignment = 32;

    std::string bytes() const
    {
        std::string out = "GGUF" + bytesOf(version) + bytesOf(statedTensors.value_or(m_tensors.size())) +
                          bytesOf(statedEntries.value_or(m_entries.size()));
        for (const std::string& item : m_entries)
            out += item;
        std::string data;
        for (const Tensor& tensor : m_tensors) {
            out += text(tensor.name) + bytesOf(static_cast<std::uint32_t>(tensor.dims.size())) + bytesOf(tensor.dims) +
                   bytesOf(tensor.type) + bytesOf(tensor.offset.value_or(data.size()));
            data += tensor.data;
            pad(data);
        }
        if (!m_tensors.empty())
            pad(out);
        return out + data;
    }

private:
    struct Tensor
    {
        std::string name;
        std::vector<std::uint64_t> dims;
        std::uint32_t type;
        std::string data;
        std::optional<std::uint64_t> offset;
    };

    void pad(std::string& bytes) const { bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0'); }

    std::vector<std::string> m_entries;
    std::vector<Tensor> m_tensors;
};

} // namespace paretoscope::test
