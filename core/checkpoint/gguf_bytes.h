// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace paretoscope::core {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");

/// Appends a number as it lies in a GGUF file.
template <typename T>
void appendNumber(std::string& out, T value)
{
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}

/// Appends a string as it lies in a GGUF file: u64 length, then the bytes.
inline void appendText(std::string& out, std::string_view text)
{
    appendNumber(out, static_cast<std::uint64_t>(text.size()));
    out += text;
}

} // namespace paretoscope::core
