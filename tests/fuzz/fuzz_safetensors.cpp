// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: bytes as a .safetensors file; whatever opens is read in full.
#include "core/checkpoint/safetensors_file.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace paretoscope::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto file = SafetensorsFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
    if (!file.ok()) {
        if (file.error().message.empty() || file.error().hint.empty())
            std::abort(); // every refusal says what and what to do
        return 0;
    }
    for (const SafetensorsEntry& entry : file.value().tensors()) {
        if (file.value().find(entry.name) == nullptr)
            std::abort();
        (void)file.value().readFloat32(entry.name).ok();
    }
    return 0;
}
