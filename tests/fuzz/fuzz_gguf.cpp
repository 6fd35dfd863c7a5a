// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: bytes as a GGUF model; metadata, names, configuration and every tensor of what opens are read.
#include "core/checkpoint/gguf_checkpoint.h"
#include "core/checkpoint/gguf_split.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

using namespace paretoscope::core;

namespace {

void readMetadata(const GgufMetadata& metadata)
{
    for (const std::string& key : metadata.keys()) {
        (void)metadata.text(key).ok();
        (void)metadata.integer(key).ok();
        (void)metadata.number(key).ok();
        (void)metadata.boolean(key).ok();
        (void)metadata.texts(key).ok();
        (void)metadata.integers(key).ok();
        (void)metadata.numbers(key).ok();
    }
}

void readTensors(const Checkpoint& checkpoint)
{
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        const auto raw = checkpoint.rawBytes(tensor.name);
        if (!raw.ok() || raw.value().size() != static_cast<std::uint64_t>(tensor.stored.value))
            std::abort();
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        (void)checkpoint.readFloat32(tensor.name, values).ok();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    auto file = GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
    if (!file.ok()) {
        if (file.error().message.empty() || file.error().hint.empty())
            std::abort(); // every refusal says what and what to do
        return 0;
    }
    readMetadata(file.value().metadata());
    GgufParts parts;
    parts.paths.emplace_back("fuzz");
    parts.files.push_back(std::move(file).value());
    if (const auto checkpoint = ggufCheckpoint(std::move(parts)); checkpoint.ok())
        readTensors(*checkpoint.value());
    return 0;
}
