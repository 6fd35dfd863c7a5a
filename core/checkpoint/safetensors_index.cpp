// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_index.h"

#include "core/base/json.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/foreign_file.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <set>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 8;
constexpr char kHint[] = "download the index and its shards again";

bool isPlainFileName(const std::string& name)
{
    return isPlainText(name) && name.find_first_of("/\\") == std::string::npos && name != "." && name != "..";
}

} // namespace

Result<SafetensorsIndex> readSafetensorsIndex(const fs::path& file)
{
    const auto fail = [&](const std::string& problem) {
        return Error {ErrorCode::Corrupt, file.string() + ": " + problem, kHint};
    };
    PSC_ASSIGN(const std::string text, readTextFile(file));
    if (const auto foreign = foreignFile(std::as_bytes(std::span(text)), file.string()))
        return *foreign;
    PSC_ASSIGN(const Json json, parseJson(text, file.string(), kMaxDepth));
    const auto map = json.is_object() ? json.find("weight_map") : json.end();
    if (map == json.end() || !map->is_object() || map->empty())
        return fail("weight_map is missing or is no object of tensor names");

    SafetensorsIndex index;
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : map->items()) {
        if (!shard.is_string())
            return fail("the shard of tensor " + inQuotes(tensor) + " is no string");
        const auto& name = shard.get_ref<const std::string&>();
        if (!isPlainFileName(name))
            return fail("shard " + inQuotes(name) + " of tensor " + inQuotes(tensor) + " is no plain file name");
        if (!name.ends_with(".safetensors"))
            return fail("shard " + inQuotes(name) + " of tensor " + inQuotes(tensor) + " is no .safetensors file");
        index.shardOf.emplace(tensor, name);
        shards.insert(name);
    }
    index.shards.assign(shards.begin(), shards.end());
    const auto metadata = json.find("metadata");
    if (metadata != json.end() && metadata->is_object()) {
        const auto total = metadata->find("total_size");
        if (total != metadata->end() && total->is_number_unsigned() &&
            total->get<std::uint64_t>() <= std::uint64_t(INT64_MAX))
            index.totalBytes = total->get<std::int64_t>();
    }
    return index;
}

bool staysInFolder(const fs::path& folder, const fs::path& file)
{
    std::error_code failed;
    fs::path root = fs::canonical(folder, failed);
    if (failed)
        return false;
    const fs::path target = fs::canonical(file, failed);
    if (failed)
        return false;
    const fs::path repository = root.parent_path().parent_path();
    if (root.parent_path().filename() == "snapshots" && repository.filename().string().starts_with("models--"))
        root = repository;
    const auto difference = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
    return difference.first == root.end();
}

} // namespace paretoscope::core
