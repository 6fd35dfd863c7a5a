// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace paretoscope::test {

/// A safetensors file of a given JSON header and tensor bytes, right or not. `statedHeaderBytes` may lie.
inline std::string safetensorsOf(std::string_view json, std::string_view data, std::uint64_t statedHeaderBytes)
{
    std::string bytes(sizeof statedHeaderBytes, '\0');
    std::memcpy(bytes.data(), &statedHeaderBytes, sizeof statedHeaderBytes);
    return bytes + std::string(json) + std::string(data);
}

inline std::string safetensorsOf(std::string_view json, std::string_view data)
{
    return safetensorsOf(json, data, json.size());
}

} // namespace paretoscope::test
