// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/grouped_codes.h"
#include "core/engine/export/model_folder.h"
#include "core/engine/plugin/plugin_api.h"

namespace {

using namespace paretoscope;

constexpr const char* kFormat = "the AWQ format";
constexpr int kBits = 4;
constexpr std::int64_t kPerWord = 8;

core::Status requireWords(const engine::GroupedModel& model)
{
    for (const engine::GroupedWeight& weight : model.weights) {
        const engine::Unit& unit = *weight.unit;
        if (weight.codes->options().bits != kBits)
            return core::Error {core::ErrorCode::Unsupported,
                                unit.module + ": " + std::to_string(weight.codes->options().bits) +
                                    " bit, but the AWQ format is 4 bit only",
                                "export with --format gptq or compressed-tensors"};
        if (unit.outFeatures % kPerWord != 0)
            return core::Error {core::ErrorCode::Unsupported,
                                unit.module + ": " + std::to_string(unit.outFeatures) +
                                    " outputs are no multiple of 8, as the AWQ format wants",
                                "export with --format compressed-tensors"};
    }
    return core::success();
}

/// Eight neighbouring columns in the order in which a word holds them (specs formats 6). @param rows uint8 [n, out]
at::Tensor packInterleaved(const at::Tensor& rows)
{
    const at::Tensor order = at::tensor({0, 2, 4, 6, 1, 3, 5, 7}, at::kLong);
    const at::Tensor words = rows.reshape({rows.size(0), -1, kPerWord}).index_select(2, order);
    return engine::packRows(words.reshape(rows.sizes()).contiguous(), kBits);
}

class AwqExporter : public engine::Exporter
{
public:
    core::Status validate(const engine::ExportedModel& model) const override
    {
        PSC_ASSIGN(const engine::GroupedModel grouped, engine::groupedModel(model, kFormat));
        PSC_TRY(engine::requireUniform(grouped, kFormat));
        return requireWords(grouped);
    }

    core::Status write(const engine::ExportedModel& model, const std::filesystem::path& folder) const override
    {
        PSC_ASSIGN(const engine::GroupedModel grouped, engine::groupedModel(model, kFormat));
        engine::ModelFolder out(model, std::nullopt);
        for (const auto& [unit, weight] : grouped.weights) {
            out.replace(
                unit->tensor,
                {{unit->module + ".qweight", packInterleaved(weight->codes().t().contiguous())},
                 {unit->module + ".qzeros", packInterleaved(weight->grids().zeros.t().to(at::kByte).contiguous())},
                 {unit->module + ".scales", weight->grids().scales.t().to(at::kHalf).contiguous()}});
        }
        core::Json config = engine::plainConfig(model);
        config["quantization_config"] = {{"quant_method", "awq"},
                                         {"bits", kBits},
                                         {"group_size", grouped.weights.front().codes->options().groupSize},
                                         {"zero_point", true},
                                         {"version", "gemm"},
                                         {"modules_to_not_convert", nullptr}};
        return out.write(folder, config);
    }
};

core::Result<std::unique_ptr<engine::Exporter>> makeAwq(const core::Json&)
{
    return std::unique_ptr<engine::Exporter>(std::make_unique<AwqExporter>());
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeExporter = &makeAwq})
