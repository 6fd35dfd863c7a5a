// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/hugging_face_checkpoint.h"

#include "core/base/mapped_file.h"
#include "core/checkpoint/dequantize.h"
#include "core/checkpoint/foreign_file.h"
#include "core/checkpoint/mapped_pages.h"
#include "core/checkpoint/missing_weights.h"
#include "core/checkpoint/quantized_checkpoint.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/checkpoint/safetensors_index.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t(16) << 20;

class HuggingFaceCheckpoint final : public Checkpoint
{
public:
    HuggingFaceCheckpoint(Json config, std::vector<fs::path> files)
        : m_config(std::move(config))
        , m_files(std::move(files))
    {}

    /// Errors: Corrupt (a tensor that an earlier shard has too).
    Status add(SafetensorsFile shard);
    void sortTensors();
    void warn(std::string text) { m_warnings.push_back(std::move(text)); }

    std::string_view format() const override { return "safetensors"; }
    const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    const Json& config() const override { return m_config; }
    const std::vector<fs::path>& files() const override { return m_files; }
    const std::vector<std::string>& warnings() const override { return m_warnings; }

    Status readFloat32(std::string_view name, std::span<float> out) const override;
    Result<std::span<const std::byte>> rawBytes(std::string_view name) const override;
    void releasePages(std::string_view name) const override;

protected:
    Status sliceOf(const TensorInfo& tensor, std::int64_t index, std::span<float> out) const override;

private:
    struct Place
    {
        const SafetensorsFile* shard;
        const SafetensorsEntry* entry;
    };

    Result<Place> place(std::string_view name) const;

    Json m_config;
    std::vector<fs::path> m_files;
    std::vector<std::string> m_warnings;
    std::vector<std::unique_ptr<SafetensorsFile>> m_shards;
    std::vector<TensorInfo> m_tensors;
    std::map<std::string_view, Place> m_places; // keys are the names of the entries
};

Status HuggingFaceCheckpoint::add(SafetensorsFile shard)
{
    m_shards.push_back(std::make_unique<SafetensorsFile>(std::move(shard)));
    const SafetensorsFile& added = *m_shards.back();
    for (const SafetensorsEntry& entry : added.tensors()) {
        const auto [earlier, isNew] = m_places.emplace(entry.name, Place {&added, &entry});
        if (!isNew)
            return Error {ErrorCode::Corrupt,
                          "tensor " + inQuotes(entry.name) + " is in both " + earlier->second.shard->source() +
                              " and " + added.source(),
                          "download the shards again, all of the same revision"};
        m_tensors.push_back(
            {entry.name, entry.shape, entry.type, Bytes {static_cast<std::int64_t>(entry.data.size())}});
    }
    return success();
}

void HuggingFaceCheckpoint::sortTensors()
{
    std::ranges::sort(m_tensors, {}, &TensorInfo::name);
}

Result<HuggingFaceCheckpoint::Place> HuggingFaceCheckpoint::place(std::string_view name) const
{
    const auto found = m_places.find(name);
    if (found == m_places.end())
        return Error {ErrorCode::NotFound, m_files.front().parent_path().string() + " has no tensor " + inQuotes(name),
                      "\"inspect\" lists the tensors"};
    return found->second;
}

Status HuggingFaceCheckpoint::readFloat32(std::string_view name, std::span<float> out) const
{
    PSC_ASSIGN(const Place at, place(name));
    return dequantizeTensor({at.shard->source(), name, at.entry->type, at.entry->data}, out);
}

Status HuggingFaceCheckpoint::sliceOf(const TensorInfo& tensor, std::int64_t index, std::span<float> out) const
{
    const ElementLayout& layout = layoutOf(tensor.type);
    const auto blockElements = static_cast<std::size_t>(layout.blockElements);
    if (out.size() % blockElements != 0) // it may begin inside of a block
        return Checkpoint::sliceOf(tensor, index, out);
    PSC_ASSIGN(const Place at, place(tensor.name));
    const std::size_t bytes = out.size() / blockElements * static_cast<std::size_t>(layout.blockBytes);
    const auto data = at.entry->data.subspan(static_cast<std::size_t>(index) * bytes, bytes);
    return dequantizeTensor({at.shard->source(), tensor.name, tensor.type, data}, out);
}

Result<std::span<const std::byte>> HuggingFaceCheckpoint::rawBytes(std::string_view name) const
{
    PSC_ASSIGN(const Place at, place(name));
    return at.entry->data;
}

void HuggingFaceCheckpoint::releasePages(std::string_view name) const
{
    if (const auto at = place(name); at.ok())
        dropMappedPages(at.value().entry->data);
}

Result<Json> readConfig(const fs::path& file)
{
    std::error_code ignored;
    if (!fs::exists(file, ignored))
        return Error {ErrorCode::NotFound, file.parent_path().string() + " has weights, but no config.json",
                      "download config.json into that folder"};
    PSC_ASSIGN(const std::string text, readTextFile(file, kMaxConfigBytes));
    if (const auto foreign = foreignFile(std::as_bytes(std::span(text)), file.string()))
        return *foreign;
    PSC_ASSIGN(Json config, parseJson(text, file.string()));
    if (!config.is_object())
        return Error {ErrorCode::Corrupt, file.string() + " is no JSON object", "download config.json again"};
    return config;
}

/// Early GPTQ models describe their quantisation in a file of its own.
Status addQuantizeConfig(const fs::path& file, Json& config, std::vector<fs::path>& files)
{
    std::error_code ignored;
    if (!fs::exists(file, ignored) || !config.value("quantization_config", Json()).is_null())
        return success();
    PSC_ASSIGN(const std::string text, readTextFile(file, kMaxConfigBytes));
    PSC_ASSIGN(Json quantization, parseJson(text, file.string()));
    if (!quantization.is_object())
        return Error {ErrorCode::Corrupt, file.string() + " is no JSON object", "download it again"};
    quantization.emplace("quant_method", "gptq");
    config["quantization_config"] = std::move(quantization);
    files.push_back(file);
    return success();
}

/// Every tensor must be where the index says; tensors that it does not mention are read all the same.
Status compareWithIndex(const SafetensorsIndex& index, const std::map<std::string, std::string>& foundIn,
                        const fs::path& indexFile, HuggingFaceCheckpoint& checkpoint)
{
    for (const auto& [tensor, shard] : index.shardOf) {
        const auto found = foundIn.find(tensor);
        if (found == foundIn.end() || found->second != shard)
            return Error {ErrorCode::Corrupt,
                          indexFile.string() + " places tensor " + inQuotes(tensor) + " in " + shard +
                              ", which does not hold it",
                          "download the index and its shards again, all of the same revision"};
    }
    if (foundIn.size() > index.shardOf.size())
        checkpoint.warn("the shards hold " + std::to_string(foundIn.size()) + " tensors, but " +
                        indexFile.filename().string() + " mentions only " + std::to_string(index.shardOf.size()));
    if (index.totalBytes && *index.totalBytes != checkpoint.storedBytes().value)
        checkpoint.warn(indexFile.filename().string() + " states total_size " + std::to_string(*index.totalBytes) +
                        ", but the tensors have " + std::to_string(checkpoint.storedBytes().value) + " bytes");
    return success();
}

Result<SafetensorsFile> openShard(const fs::path& folder, const std::string& name, const fs::path& indexFile)
{
    const fs::path file = folder / name;
    std::error_code ignored;
    if (!fs::exists(file, ignored))
        return Error {ErrorCode::NotFound,
                      indexFile.string() + " names shard " + name + ", which is not in that folder",
                      "download " + name + " into it"};
    if (!staysInFolder(folder, file))
        return Error {ErrorCode::Corrupt, file.string() + " is a link that leaves its folder",
                      "put the file itself into the folder"};
    return SafetensorsFile::open(file);
}

} // namespace

Result<std::unique_ptr<Checkpoint>> openHuggingFaceFolder(const fs::path& folder)
{
    const fs::path configFile = folder / "config.json";
    const fs::path indexFile = folder / "model.safetensors.index.json";
    const fs::path singleFile = folder / "model.safetensors";
    std::error_code ignored;
    const bool sharded = fs::exists(indexFile, ignored);
    if (!sharded && !fs::exists(singleFile, ignored))
        return missingWeights(folder);
    PSC_ASSIGN(Json config, readConfig(configFile));
    std::vector<fs::path> files {configFile};
    PSC_TRY(addQuantizeConfig(folder / "quantize_config.json", config, files));

    std::optional<SafetensorsIndex> index;
    std::vector<std::string> shards {singleFile.filename().string()};
    if (sharded) {
        PSC_ASSIGN(index, readSafetensorsIndex(indexFile));
        files.push_back(indexFile);
        shards = index->shards;
    }
    for (const std::string& shard : shards)
        files.push_back(folder / shard);

    auto checkpoint = std::make_unique<HuggingFaceCheckpoint>(std::move(config), files);
    std::map<std::string, std::string> foundIn;
    for (const std::string& shard : shards) {
        PSC_ASSIGN(SafetensorsFile file,
                   sharded ? openShard(folder, shard, indexFile) : SafetensorsFile::open(singleFile));
        for (const SafetensorsEntry& entry : file.tensors())
            foundIn.emplace(entry.name, shard);
        PSC_TRY(checkpoint->add(std::move(file)));
    }
    checkpoint->sortTensors();
    if (index)
        PSC_TRY(compareWithIndex(*index, foundIn, indexFile, *checkpoint));
    return withDequantizedWeights(std::move(checkpoint));
}

} // namespace paretoscope::core
