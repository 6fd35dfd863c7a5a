// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/packed/compressed_tensors_weight.h"

#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace paretoscope::core {

namespace {

Error malformed(const std::string& problem)
{
    return {ErrorCode::Corrupt, "quantization_config: " + problem, "correct config.json or download it again"};
}

/// The value of a key that may be absent or null.
Result<std::int64_t> integer(const Json& object, const char* key, std::int64_t fallback)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null())
        return fallback;
    if (!found->is_number_integer())
        return malformed(std::string(key) + " is no integer");
    return found->get<std::int64_t>();
}

Result<CompressedTensorsGroup> groupOf(const std::string& name, const Json& weights)
{
    CompressedTensorsGroup group;
    PSC_ASSIGN(const std::int64_t bits, integer(weights, "num_bits", 8));
    PSC_ASSIGN(const std::int64_t groupSize, integer(weights, "group_size", 0));
    if (bits < 1 || bits > 8)
        return malformed("num_bits of " + inQuotes(name) + " is " + std::to_string(bits));
    group.bits = static_cast<int>(bits);
    group.groupSize = std::max<std::int64_t>(0, groupSize); // -1: one group per output
    const auto block = weights.find("block_structure");
    if (block != weights.end() && block->is_array()) {
        const auto isSize = [](const Json& value) {
            return value.is_number_unsigned() && value > 0 && value <= 1'000'000;
        };
        if (block->size() != 2 || !std::ranges::all_of(*block, isSize))
            return malformed("block_structure of " + inQuotes(name) + " does not hold two sizes");
        group.blockOutputs = (*block)[0].get<std::int64_t>();
        group.blockInputs = (*block)[1].get<std::int64_t>();
    }
    return group;
}

/// The schemes that may stand in config_groups by name instead of written out.
std::optional<CompressedTensorsGroup> preset(std::string_view name)
{
    constexpr std::array<std::pair<std::string_view, CompressedTensorsGroup>, 12> kPresets {{
        {"W2A16", {.bits = 2, .groupSize = 128}},
        {"W3A16", {.bits = 3, .groupSize = 128}},
        {"W4A16", {.bits = 4, .groupSize = 128}},
        {"W4A16_ASYM", {.bits = 4, .groupSize = 128}},
        {"W8A16", {.bits = 8, .groupSize = 128}},
        {"W8A8", {.bits = 8}},
        {"INT8", {.bits = 8}},
        {"FP8", {.bits = 8}},
        {"FP8_DYNAMIC", {.bits = 8}},
        {"FP8_BLOCK", {.bits = 8, .blockOutputs = 128, .blockInputs = 128}},
        {"NVFP4", {.bits = 4, .groupSize = 16}},
        {"MXFP4", {.bits = 4, .groupSize = 32}},
    }};
    for (const auto& [known, group] : kPresets) {
        if (known == name)
            return group;
    }
    return std::nullopt;
}

/// Presets without "A16" quantise activations too.
bool quantisesActivations(std::string_view presetName)
{
    return presetName.find("A16") == std::string_view::npos;
}

bool isSparse(std::string_view format)
{
    return format.find("sparse") != std::string_view::npos || format.find("marlin") != std::string_view::npos;
}

} // namespace

Result<CompressedTensorsSettings> compressedTensorsSettings(const Json& config)
{
    CompressedTensorsSettings settings;
    const auto format = config.find("format");
    if (format != config.end() && format->is_string() && isSparse(format->get<std::string>()))
        return Error {ErrorCode::Unsupported,
                      "quantization_config: the sparse format " + inQuotes(format->get<std::string>()) +
                          " is not supported",
                      "save the model without sparse compression"};
    const auto sparsity = config.find("sparsity_config");
    if (sparsity != config.end() && sparsity->is_object() && !sparsity->empty() &&
        sparsity->value("format", Json("dense")) != "dense")
        return Error {ErrorCode::Unsupported, "quantization_config: compressed sparse weights are not supported",
                      "save the model without sparse compression"};
    const auto groups = config.find("config_groups");
    if (groups == config.end() || !groups->is_object())
        return malformed("config_groups is missing");
    for (const auto& [name, group] : groups->items()) {
        if (!group.is_object()) {
            const auto known = preset(name);
            if (!known)
                return malformed("entry " + inQuotes(name) + " of config_groups is no scheme");
            settings.groups.push_back(*known);
            settings.quantisesActivations = settings.quantisesActivations || quantisesActivations(name);
            continue;
        }
        const auto weights = group.find("weights");
        if (weights != group.end() && weights->is_object()) {
            PSC_ASSIGN(const CompressedTensorsGroup parsed, groupOf(name, *weights));
            settings.groups.push_back(parsed);
        }
        const auto activations = group.find("input_activations");
        settings.quantisesActivations =
            settings.quantisesActivations || (activations != group.end() && !activations->is_null());
    }
    return settings;
}

} // namespace paretoscope::core
