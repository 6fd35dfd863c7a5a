// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/missing_weights.h"

#include "core/checkpoint/foreign_file.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> namesIn(const fs::path& folder)
{
    std::vector<std::string> names;
    std::error_code ignored;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
        names.push_back(entry->path().filename().string());
    std::ranges::sort(names);
    return names;
}

bool isPickleName(std::string_view name)
{
    const auto endsWith = [&](std::string_view suffix) { return name.ends_with(suffix); };
    return endsWith(".pt") || endsWith(".pth") || endsWith(".ckpt") ||
           (name.starts_with("pytorch_model") && endsWith(".bin"));
}

} // namespace

Error missingWeights(const fs::path& folder)
{
    const std::vector<std::string> names = namesIn(folder);
    const auto first = [&](auto predicate) -> std::optional<std::string> {
        const auto found = std::ranges::find_if(names, predicate);
        return found == names.end() ? std::nullopt : std::optional(*found);
    };
    const auto named = [&](std::string_view name) { return std::ranges::binary_search(names, name); };
    const std::string where = folder.string();

    if (named("model.safetensors")) // listed, but openCheckpoint did not find what it points at
        return {ErrorCode::NotFound, where + "/model.safetensors is a link to a file that does not exist",
                "download the model again"};
    if (named("adapter_model.safetensors"))
        return {ErrorCode::Unsupported, where + " holds an adapter (LoRA), not a whole model",
                "merge it into its base model, then open the result"};
    if (const auto gguf = first([](const std::string& name) { return name.ends_with(".gguf"); }))
        return {ErrorCode::InvalidArgument, where + " holds GGUF files, not a Hugging Face model",
                "give the path of the file, e.g. " + (folder / *gguf).string()};
    if (const auto shard =
            first([](const std::string& name) { return name.starts_with("model-") && name.ends_with(".safetensors"); }))
        return {ErrorCode::NotFound, where + " has " + *shard + ", but no model.safetensors.index.json",
                "download model.safetensors.index.json into that folder"};
    if (const auto pickle = first(isPickleName))
        return pickleRefused((folder / *pickle).string());
    if (const auto other = first([](const std::string& name) { return name.ends_with(".safetensors"); }))
        return {ErrorCode::NotFound, where + " has " + *other + ", but no model.safetensors",
                "rename it to model.safetensors if these are the weights"};
    if (named("config.json"))
        return {ErrorCode::NotFound, where + " has a config.json, but no weights (model.safetensors)",
                "download model.safetensors into that folder"};
    return {ErrorCode::NotFound, where + " is no model folder: it has neither config.json nor model.safetensors",
            "give a Hugging Face model folder or a .gguf file"};
}

} // namespace paretoscope::core
