// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/gptq/gptq.h"

namespace {

using namespace paretoscope;

class GptqStage : public engine::Stage
{
public:
    explicit GptqStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        m_options.grid = engine::AffineOptions::fromParameters(m_parameters);
        m_options.damping = m_parameters.at("damping").get<double>();
        m_minTokens = m_parameters.at("min_tokens").get<std::int64_t>();
        m_options.blockSize = m_parameters.at("block_size").get<std::int64_t>();
        const std::string order = m_parameters.at("activation_order").get<std::string>();
        m_options.order = order == "none"      ? gptq::ActivationOrder::None
                          : order == "dynamic" ? gptq::ActivationOrder::Dynamic
                                               : gptq::ActivationOrder::Static;
    }

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(engine::selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        return engine::calibratedPlan(std::move(targets), {{.id = "hessian"}}, m_parameters);
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        if (engine::isSeldomExpert(task, unit, m_minTokens, "rounded to nearest")) {
            PSC_ASSIGN(auto rounded, engine::roundToNearest(task.weight(unit), m_options.grid, maskOf(task, unit)));
            task.replace(unit, std::move(rounded));
            return core::success();
        }
        PSC_ASSIGN(const engine::FactoredHessian hessian, engine::factorise(task, unit, m_options.factor()));
        const at::Tensor mask = maskOf(task, unit);
        PSC_ASSIGN(gptq::Quantized result, gptq::quantize(task.weight(unit), hessian, m_options, mask));
        task.record(unit, "damping", result.damping);
        if (result.damping == 0)
            task.warn(unit,
                      "its inputs are all zero or their Hessian stays indefinite at damping 1; rounded to nearest");
        else if (result.damping > m_options.damping)
            task.warn(unit, "the Hessian was not positive definite until damping " + core::Json(result.damping).dump() +
                                "; more calibration tokens would help");
        task.replace(unit,
                     std::make_shared<engine::GroupAffineTensor>(std::move(result.codes), std::move(result.grids),
                                                                 m_options.grid, std::move(result.columnGroups), mask));
        return core::success();
    }

private:
    /// Of a pruned weight; what it drops stays zero.
    static at::Tensor maskOf(const engine::StageTask& task, const engine::Unit& unit)
    {
        const auto form = task.form(unit);
        return form ? form->mask() : at::Tensor();
    }

    core::Json m_parameters;
    gptq::Options m_options;
    std::int64_t m_minTokens = 0;
};

core::Result<std::unique_ptr<engine::Stage>> makeGptq(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<GptqStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeGptq})
