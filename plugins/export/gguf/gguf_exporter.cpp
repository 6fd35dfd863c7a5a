// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_writer.h"
#include "core/engine/plugin/plugin_api.h"
#include "gguf_plan.h"

namespace {

using namespace paretoscope;
using core::ElementType;
using gguf::PlannedTensor;

constexpr const char* kFile = "model.gguf";

core::Status writePart(const engine::ExportedModel& model, const gguf::GgufPlan& plan, const PlannedTensor& tensor,
                       const std::string& part, core::GgufWriter& writer)
{
    const at::Tensor order = plan.rowOrderOf(tensor);
    if (tensor.content == PlannedTensor::Content::Blocks) {
        PSC_ASSIGN(const gguf::AffineBlocks blocks, gguf::blocksOf(model, part));
        return writer.append(tensor.declaration.name, blocks.encode(tensor.declaration.type, order));
    }
    PSC_ASSIGN(at::Tensor values, model.values(part));
    if (order.defined())
        values = values.index_select(0, order);
    if (plan.addsOneTo(tensor))
        values = values + 1;
    values = values.contiguous();
    return writer.appendFloat32(tensor.declaration.name,
                                {values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
}

/// A GGUF file (specs formats 7).
class GgufExporter : public engine::Exporter
{
public:
    explicit GgufExporter(const gguf::GgufSettings& settings)
        : m_settings(settings)
    {}

    core::Status validate(const engine::ExportedModel& model) const override
    {
        PSC_TRY(gguf::GgufPlan::of(model, m_settings));
        return core::success();
    }

    core::Status write(const engine::ExportedModel& model, const std::filesystem::path& folder) const override
    {
        PSC_ASSIGN(const gguf::GgufPlan plan, gguf::GgufPlan::of(model, m_settings));
        std::vector<core::TensorDeclaration> declarations;
        for (const PlannedTensor& tensor : plan.tensors())
            declarations.push_back(tensor.declaration);
        PSC_ASSIGN(core::GgufWriter writer, core::GgufWriter::create(folder / kFile, plan.entries(), declarations));
        for (const PlannedTensor& tensor : plan.tensors()) {
            if (tensor.content == PlannedTensor::Content::Copied)
                PSC_TRY(writer.append(tensor.declaration.name, tensor.stored));
            else
                for (const std::string& part : tensor.parts)
                    PSC_TRY(writePart(model, plan, tensor, part, writer));
        }
        return writer.finish();
    }

    std::filesystem::path model(const std::filesystem::path& folder) const override { return folder / kFile; }

private:
    gguf::GgufSettings m_settings;
};

core::Result<std::unique_ptr<engine::Exporter>> makeGguf(const core::Json& parameters)
{
    const auto type = parameters.at("type").get<std::string>();
    gguf::GgufSettings settings;
    settings.type = type == "float16"    ? std::optional(ElementType::F16)
                    : type == "bfloat16" ? std::optional(ElementType::BF16)
                    : type == "float32"  ? std::optional(ElementType::F32)
                                         : std::nullopt;
    settings.roundsMinimum = parameters.at("round_minimum").get<bool>();
    settings.weightsOnly = parameters.at("weights_only").get<bool>();
    return std::unique_ptr<engine::Exporter>(std::make_unique<GgufExporter>(settings));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeExporter = &makeGguf})
