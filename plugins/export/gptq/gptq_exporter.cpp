// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/grouped_codes.h"
#include "core/engine/export/model_folder.h"
#include "core/engine/plugin/plugin_api.h"

#include <algorithm>
#include <array>

namespace {

using namespace paretoscope;

constexpr const char* kFormat = "the GPTQ format";

core::Status requireWholeWords(const engine::GroupedModel& model)
{
    constexpr std::array kWidths {2, 3, 4, 8};
    for (const engine::GroupedWeight& weight : model.weights) {
        const engine::Unit& unit = *weight.unit;
        const int bits = weight.codes->options().bits;
        if (std::find(kWidths.begin(), kWidths.end(), bits) == kWidths.end())
            return core::Error {core::ErrorCode::Unsupported,
                                unit.module + ": " + std::to_string(bits) + " bit, which the GPTQ format does not have",
                                "it knows 2, 3, 4 and 8 bit; compressed-tensors knows all of them"};
        if (unit.inFeatures * bits % 32 != 0 || unit.outFeatures * bits % 32 != 0)
            return core::Error {core::ErrorCode::Unsupported,
                                unit.module + ": " + std::to_string(unit.outFeatures) + " x " +
                                    std::to_string(unit.inFeatures) + " codes of " + std::to_string(bits) +
                                    " bit do not fill whole 32-bit words, as the GPTQ format wants",
                                "export with --format compressed-tensors"};
    }
    return core::success();
}

/// The tensors of one layer (specs formats 5). Version 1 stores zero points one lower, modulo 2^bits.
engine::TensorParts partsOf(const engine::Unit& unit, const engine::GroupAffineTensor& weight, bool isVersion1)
{
    const int bits = weight.options().bits;
    const std::int64_t groupSize = weight.options().groupSizeFor(unit.inFeatures);
    const at::Tensor zeros = weight.grids().zeros.t().to(at::kInt);
    const at::Tensor stored = (isVersion1 ? (zeros - 1).bitwise_and((1 << bits) - 1) : zeros).to(at::kByte);
    return {{unit.module + ".qweight", engine::packRows(weight.codes(), bits).t().contiguous()},
            {unit.module + ".qzeros", engine::packRows(stored.contiguous(), bits)},
            {unit.module + ".scales", weight.grids().scales.t().to(at::kHalf).contiguous()},
            {unit.module + ".g_idx", at::floor_divide(at::arange(unit.inFeatures), groupSize).to(at::kInt)}};
}

class GptqExporter : public engine::Exporter
{
public:
    core::Status validate(const engine::ExportedModel& model) const override
    {
        PSC_ASSIGN(const engine::GroupedModel grouped, engine::groupedModel(model, kFormat));
        PSC_TRY(engine::requireUniform(grouped, kFormat));
        return requireWholeWords(grouped);
    }

    core::Status write(const engine::ExportedModel& model, const std::filesystem::path& folder) const override
    {
        PSC_ASSIGN(const engine::GroupedModel grouped, engine::groupedModel(model, kFormat));
        const engine::AffineOptions& options = grouped.weights.front().codes->options();
        const bool isVersion1 = options.symmetric; // zero points of 0 do not survive version 1 in every reader
        engine::ModelFolder out(model, std::nullopt);
        for (const engine::GroupedWeight& weight : grouped.weights)
            out.replace(weight.unit->tensor, partsOf(*weight.unit, *weight.codes, isVersion1));
        core::Json config = engine::plainConfig(model);
        config["quantization_config"] = {{"quant_method", "gptq"},
                                         {"bits", options.bits},
                                         {"group_size", options.groupSize},
                                         {"desc_act", false},
                                         {"sym", options.symmetric},
                                         {"lm_head", false},
                                         {"checkpoint_format", isVersion1 ? "gptq" : "gptq_v2"},
                                         {"pack_dtype", "int32"}};
        return out.write(folder, config);
    }
};

core::Result<std::unique_ptr<engine::Exporter>> makeGptq(const core::Json&)
{
    return std::unique_ptr<engine::Exporter>(std::make_unique<GptqExporter>());
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeExporter = &makeGptq})
