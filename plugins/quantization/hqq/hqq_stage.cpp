// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/quantization/affine.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/hqq/hqq.h"

namespace {

using namespace paretoscope;

class HqqStage : public engine::Stage
{
public:
    explicit HqqStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        m_options.bits = m_parameters.at("bits").get<int>();
        m_options.groupSize = m_parameters.at("group_size").get<std::int64_t>();
        m_options.norm = m_parameters.at("norm").get<double>();
        m_options.beta = m_parameters.at("beta").get<double>();
        m_options.kappa = m_parameters.at("kappa").get<double>();
        m_options.rounds = m_parameters.at("rounds").get<int>();
        m_options.roundZero = m_parameters.at("round_zero").get<bool>();
        m_options.scaleType = engine::AffineOptions::fromParameters(m_parameters).scaleType;
    }

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
        const auto form = task.form(unit);
        PSC_ASSIGN(const hqq::Quantized result,
                   hqq::quantize(task.weight(unit), m_options, form ? form->mask() : at::Tensor()));
        task.record(unit, "rounds", result.rounds);
        if (result.startError > 0)
            task.record(unit, "error_against_start", result.error / result.startError);
        task.replace(unit, result.tensor);
        return core::success();
    }

private:
    core::Json m_parameters;
    hqq::Options m_options;
};

core::Result<std::unique_ptr<engine::Stage>> makeHqq(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<HqqStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeHqq})
