// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/unit_selection.h"

#include <array>

namespace {

using namespace paretoscope;

/// Signs in 1 bit per weight, rows padded to 32 bits, and one float16 magnitude per row.
class SignTensor : public engine::CompressedTensor
{
public:
    /// @param signs  uint8 [out, in], 1 where the weight is not negative; @param scales  float16 [out, 1]
    SignTensor(at::Tensor signs, at::Tensor scales)
        : m_signs(std::move(signs))
        , m_scales(std::move(scales))
    {}

    at::Tensor dequantize() const override
    {
        return (m_signs.to(at::kFloat) * 2 - 1) * m_scales.to(at::kFloat);
    }
    std::vector<engine::StoredPart> storedParts() const override
    {
        std::vector<engine::StoredPart> stored;
        for (const auto& [name, part] : serialise())
            stored.push_back({name, {static_cast<std::int64_t>(part.nbytes()) * 8}, nullptr});
        return stored;
    }
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override
    {
        return {{"signs", engine::packRows(m_signs, 1)}, {"scales", m_scales}};
    }
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override { return {{"columns", m_signs.size(1)}}; }

    static constexpr std::string_view kLayout = "example_sign";

    static engine::ReadTensor read(const core::Json& description, const engine::TensorParts& parts,
                                   const engine::TensorLayouts&)
    {
        const auto columns = description.at("columns").get<std::int64_t>();
        const at::Tensor signs = engine::partNamed(parts, "signs");
        const at::Tensor scales = engine::partNamed(parts, "scales");
        const bool fits = columns > 0 && signs.defined() && signs.dim() == 2 &&
                          engine::hasShape(signs, at::kInt, {signs.size(0), (columns + 31) / 32}) &&
                          engine::hasShape(scales, at::kHalf, {signs.size(0), 1});
        if (!fits)
            return engine::damagedParts(kLayout);
        return std::shared_ptr<const CompressedTensor>(
            std::make_shared<SignTensor>(engine::unpackRows(signs, columns, 1), scales));
    }

private:
    at::Tensor m_signs;
    at::Tensor m_scales;
};

constexpr std::array kLayouts {engine::TensorLayout {SignTensor::kLayout, &SignTensor::read}};

class SignStage : public engine::Stage
{
public:
    explicit SignStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(engine::selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        engine::StagePlan plan;
        PSC_ASSIGN(plan.targets, engine::selectUnits(model, m_parameters));
        return plan;
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        const at::Tensor weight = task.weight(unit);
        task.replace(unit, std::make_shared<SignTensor>(weight.ge(0).to(at::kByte),
                                                        weight.abs().mean(1, true).to(at::kHalf)));
        return core::success();
    }

private:
    core::Json m_parameters;
};

core::Result<std::unique_ptr<engine::Stage>> makeSign(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<SignStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSign, .layouts = kLayouts})
