// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_folder_writer.h"

#include "core/base/json.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/output_file.h"
#include "core/checkpoint/untrusted_text.h"

#include <cstdio>
#include <system_error>
#include <utility>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr char kSingleName[] = "model.safetensors";
constexpr char kIndexName[] = "model.safetensors.index.json";

std::string shardName(std::size_t number, std::size_t count)
{
    if (count == 1)
        return kSingleName;
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number + 1, count);
    return name;
}

struct Sharding
{
    std::vector<std::vector<TensorDeclaration>> shards;
    std::int64_t totalBytes = 0;
};

Result<Sharding> distribute(const std::vector<TensorDeclaration>& tensors, std::int64_t shardBytes)
{
    Sharding sharding;
    sharding.shards.emplace_back();
    std::int64_t inShard = 0;
    for (const TensorDeclaration& tensor : tensors) {
        PSC_ASSIGN(const std::int64_t bytes, safetensorsBytes(tensor));
        if (__builtin_add_overflow(sharding.totalBytes, bytes, &sharding.totalBytes))
            return Error {ErrorCode::InvalidArgument, "the output would exceed 2^63 bytes", "write fewer tensors"};
        if (!sharding.shards.back().empty() && bytes > shardBytes - inShard) {
            sharding.shards.emplace_back();
            inShard = 0;
        }
        inShard += bytes;
        sharding.shards.back().push_back(tensor);
    }
    return sharding;
}

} // namespace

Result<SafetensorsFolderWriter> SafetensorsFolderWriter::create(const fs::path& folder,
                                                                const std::vector<TensorDeclaration>& tensors,
                                                                SafetensorsWriterOptions options,
                                                                std::int64_t shardBytes)
{
    if (shardBytes < 1)
        return Error {ErrorCode::InvalidArgument,
                      "a shard limit of " + std::to_string(shardBytes) + " bytes is no limit",
                      "give a positive number of bytes"};
    PSC_ASSIGN(const Sharding sharding, distribute(tensors, shardBytes));
    PSC_TRY(requireFreeSpace(folder, sharding.totalBytes));
    if (!options.overwrite) {
        PSC_TRY(requireAbsent(folder / kSingleName));
        PSC_TRY(requireAbsent(folder / kIndexName));
    }
    SafetensorsFolderWriter writer;
    writer.m_folder = folder;
    writer.m_overwrite = options.overwrite;
    writer.m_totalBytes = sharding.totalBytes;
    const std::size_t count = sharding.shards.size();
    for (std::size_t i = 0; i < count; ++i) {
        for (const TensorDeclaration& tensor : sharding.shards[i]) {
            if (!writer.m_shardOf.emplace(tensor.name, i).second)
                return Error {ErrorCode::InvalidArgument, "two tensors are named " + inQuotes(tensor.name),
                              "choose other names for the output"};
        }
        PSC_ASSIGN(SafetensorsWriter shard,
                   SafetensorsWriter::create(folder / shardName(i, count), sharding.shards[i], options));
        writer.m_shards.push_back(std::move(shard));
    }
    return writer;
}

Result<SafetensorsWriter*> SafetensorsFolderWriter::writerOf(std::string_view tensor)
{
    const auto found = m_shardOf.find(tensor);
    if (found == m_shardOf.end())
        return Error {ErrorCode::NotFound,
                      "tensor " + inQuotes(tensor) + " is not among those declared for " + m_folder.string(),
                      "declare it when the files are created"};
    return &m_shards[found->second];
}

Status SafetensorsFolderWriter::append(std::string_view tensor, std::span<const std::byte> bytes)
{
    PSC_ASSIGN(SafetensorsWriter * writer, writerOf(tensor));
    return writer->append(tensor, bytes);
}

Status SafetensorsFolderWriter::appendFloat32(std::string_view tensor, std::span<const float> values)
{
    PSC_ASSIGN(SafetensorsWriter * writer, writerOf(tensor));
    return writer->appendFloat32(tensor, values);
}

std::string SafetensorsFolderWriter::indexText() const
{
    Json map = Json::object();
    for (const auto& [tensor, shard] : m_shardOf)
        map[tensor] = shardName(shard, m_shards.size());
    return Json {{"metadata", {{"total_size", m_totalBytes}}}, {"weight_map", std::move(map)}}.dump(2) + "\n";
}

Status SafetensorsFolderWriter::finish()
{
    for (const SafetensorsWriter& shard : m_shards)
        PSC_TRY(shard.requireComplete());
    const bool sharded = m_shards.size() > 1;
    std::error_code ignored;
    if (sharded && m_overwrite) // an earlier index must not describe a mixture of old and new shards
        fs::remove(m_folder / kIndexName, ignored);
    for (SafetensorsWriter& shard : m_shards)
        PSC_TRY(shard.finish());
    if (sharded)
        PSC_TRY(writeFileAtomically(m_folder / kIndexName, indexText()));
    if (m_overwrite) // readers prefer the index, so an earlier one must not outlive it; nor must the single file
        fs::remove(m_folder / (sharded ? kSingleName : kIndexName), ignored);
    return success();
}

} // namespace paretoscope::core
