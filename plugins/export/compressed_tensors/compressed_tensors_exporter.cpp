// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/grouped_codes.h"
#include "core/engine/export/model_folder.h"
#include "core/engine/plugin/plugin_api.h"

#include <map>
#include <tuple>

namespace {

using namespace paretoscope;
using core::Json;

constexpr const char* kFormat = "compressed-tensors";

/// Layers of equal settings are one group of the configuration.
using Setting = std::tuple<int, std::int64_t, bool>; ///< bits, group size, symmetric

Json groupOf(const Setting& setting, Json targets)
{
    const auto& [bits, groupSize, symmetric] = setting;
    const bool isChannel = groupSize < 0;
    return {{"targets", std::move(targets)},
            {"format", "pack-quantized"},
            {"weights",
             {{"num_bits", bits},
              {"type", "int"},
              {"symmetric", symmetric},
              {"strategy", isChannel ? "channel" : "group"},
              {"group_size", isChannel ? Json() : Json(groupSize)},
              {"dynamic", false},
              {"actorder", nullptr}}},
            {"input_activations", nullptr},
            {"output_activations", nullptr}};
}

/// The tensors of one layer (specs formats 4.2): codes along the inputs, zero points along the outputs.
engine::TensorParts partsOf(const engine::Unit& unit, const engine::GroupAffineTensor& weight)
{
    const int bits = weight.options().bits;
    engine::TensorParts parts {
        {unit.module + ".weight_packed", engine::packRows(weight.codes(), bits)},
        {unit.module + ".weight_scale", weight.grids().scales.to(at::kHalf)},
        {unit.module + ".weight_shape", at::tensor({unit.outFeatures, unit.inFeatures}, at::kLong)}};
    if (!weight.options().symmetric) {
        const at::Tensor zeros = weight.grids().zeros.t().to(at::kByte).contiguous();
        parts.emplace_back(unit.module + ".weight_zero_point", engine::packRows(zeros, bits).t().contiguous());
    }
    return parts;
}

class CompressedTensorsExporter : public engine::Exporter
{
public:
    core::Status validate(const engine::ExportedModel& model) const override
    {
        PSC_TRY(engine::groupedModel(model, kFormat));
        return core::success();
    }

    core::Status write(const engine::ExportedModel& model, const std::filesystem::path& folder) const override
    {
        PSC_ASSIGN(const engine::GroupedModel grouped, engine::groupedModel(model, kFormat));
        engine::ModelFolder out(model, std::nullopt);
        std::map<Setting, Json> targets;
        for (const engine::GroupedWeight& weight : grouped.weights) {
            const engine::AffineOptions& options = weight.codes->options();
            targets.try_emplace({options.bits, options.groupSize, options.symmetric}, Json::array())
                .first->second.push_back(weight.unit->module);
            out.replace(weight.unit->tensor, partsOf(*weight.unit, *weight.codes));
        }
        Json ignored = Json::array({"lm_head"});
        for (const engine::Unit* unit : grouped.others)
            ignored.push_back(unit->module);
        Json groups = Json::object();
        for (auto& [setting, modules] : targets)
            groups["group_" + std::to_string(groups.size())] = groupOf(setting, std::move(modules));
        Json config = engine::plainConfig(model);
        config["quantization_config"] = {{"quant_method", "compressed-tensors"}, {"format", "pack-quantized"},
                                         {"quantization_status", "compressed"},  {"global_compression_ratio", nullptr},
                                         {"ignore", std::move(ignored)},         {"kv_cache_scheme", nullptr},
                                         {"config_groups", std::move(groups)}};
        return out.write(folder, config);
    }
};

core::Result<std::unique_ptr<engine::Exporter>> makeCompressedTensors(const Json&)
{
    return std::unique_ptr<engine::Exporter>(std::make_unique<CompressedTensorsExporter>());
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeExporter = &makeCompressedTensors})
