// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/safetensors_writer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// The largest shard of published models, in bytes.
constexpr std::int64_t kDefaultShardBytes = 5'000'000'000;

/// Writes the weights of a model folder: model.safetensors, or model-00001-of-0000N.safetensors with their index when
/// they exceed the limit. A tensor is never split. Tensors go into shards in the order of their declaration, so that
/// those of one block stay together. Same promises as SafetensorsWriter; the index comes last.
class SafetensorsFolderWriter
{
public:
    /// `folder` must exist. Errors: those of SafetensorsWriter::create.
    static Result<SafetensorsFolderWriter> create(const std::filesystem::path& folder,
                                                  const std::vector<TensorDeclaration>& tensors,
                                                  SafetensorsWriterOptions options = {},
                                                  std::int64_t shardBytes = kDefaultShardBytes);

    Status append(std::string_view tensor, std::span<const std::byte> bytes);
    Status appendFloat32(std::string_view tensor, std::span<const float> values);
    Status finish();

private:
    SafetensorsFolderWriter() = default;
    Result<SafetensorsWriter*> writerOf(std::string_view tensor);
    std::string indexText() const;

    std::filesystem::path m_folder;
    bool m_overwrite = false;
    std::int64_t m_totalBytes = 0;
    std::vector<SafetensorsWriter> m_shards;
    std::map<std::string, std::size_t, std::less<>> m_shardOf;
};

} // namespace paretoscope::core
