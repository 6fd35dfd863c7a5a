// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace paretoscope::core {

static_assert(std::endian::native == std::endian::little, "checkpoint files are little-endian and read in place");

/// Walks over untrusted bytes; nothing is ever read beyond their end, and no position overflows.
class ByteReader
{
public:
    explicit ByteReader(std::span<const std::byte> bytes)
        : m_bytes(bytes)
    {}

    std::size_t position() const { return m_position; }
    std::size_t remaining() const { return m_bytes.size() - m_position; }
    std::span<const std::byte> bytesSince(std::size_t begin) const
    {
        return m_bytes.subspan(begin, m_position - begin);
    }

    /// The next number, or nothing when fewer bytes are left.
    template <typename T>
    std::optional<T> take()
    {
        static_assert(std::is_arithmetic_v<T>);
        if (remaining() < sizeof(T))
            return std::nullopt;
        T value;
        std::memcpy(&value, m_bytes.data() + m_position, sizeof(T));
        m_position += sizeof(T);
        return value;
    }

    /// The next `count` bytes, or nothing when fewer are left.
    std::optional<std::span<const std::byte>> takeBytes(std::uint64_t count)
    {
        if (remaining() < count)
            return std::nullopt;
        const auto taken = m_bytes.subspan(m_position, static_cast<std::size_t>(count));
        m_position += taken.size();
        return taken;
    }

    /// A GGUF string: u64 length, then that many bytes.
    std::optional<std::string_view> takeText()
    {
        const auto length = take<std::uint64_t>();
        if (!length)
            return std::nullopt;
        const auto bytes = takeBytes(*length);
        if (!bytes)
            return std::nullopt;
        return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    }

private:
    std::span<const std::byte> m_bytes;
    std::size_t m_position = 0;
};

} // namespace paretoscope::core
