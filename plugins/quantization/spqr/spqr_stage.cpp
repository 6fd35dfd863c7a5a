// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/spqr/spqr.h"

#include <array>

namespace {

using namespace paretoscope;

constexpr std::int64_t kMostColumns = 65536; ///< what 16 bits of an outlier's column can tell apart

class SpqrStage : public engine::Stage
{
public:
    explicit SpqrStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        spqr::Format& format = m_options.format;
        format.rule.bits = m_parameters.at("bits").get<int>();
        format.rule.symmetric = m_parameters.at("symmetric").get<bool>();
        format.rule.roundZero = m_parameters.at("round_zero").get<bool>();
        format.groupSize = m_parameters.at("group_size").get<std::int64_t>();
        format.scaleBits = m_parameters.at("scale_bits").get<int>();
        format.zeroBits = m_parameters.at("zero_bits").get<int>();
        format.scaleGroupSize = m_parameters.at("scale_group_size").get<std::int64_t>();
        const double threshold = m_parameters.at("outlier_threshold").get<double>();
        m_options.outlierThreshold = threshold < 0 ? std::numeric_limits<double>::infinity() : threshold;
        m_options.simplifiedOutliers = m_parameters.at("simplified_outliers").get<bool>();
        m_options.damping = m_parameters.at("damping").get<double>();
        const std::string order = m_parameters.at("activation_order").get<std::string>();
        m_options.order = order == "none"     ? spqr::ActivationOrder::None
                          : order == "static" ? spqr::ActivationOrder::Static
                                              : spqr::ActivationOrder::Dynamic;
        m_minTokens = m_parameters.at("min_tokens").get<std::int64_t>();
    }

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_ASSIGN(const std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        for (const std::size_t target : targets) {
            const engine::Unit& unit = model.units[target];
            if (unit.inFeatures > kMostColumns)
                return core::Error {core::ErrorCode::InvalidArgument,
                                    unit.module + ": has " + std::to_string(unit.inFeatures) +
                                        " inputs, and SpQR stores the column of an outlier in 16 bits",
                                    "exclude this module"};
        }
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
        const auto form = task.form(unit);
        const at::Tensor mask = form ? form->mask() : at::Tensor();
        PSC_ASSIGN(const engine::FactoredHessian hessian, factored(task, unit));
        PSC_ASSIGN(spqr::Quantized result, spqr::quantize(task.weight(unit), hessian, m_options, mask));
        task.record(unit, "damping", result.damping);
        task.record(unit, "outlier_share", result.outlierShare);
        if (result.damping == 0)
            task.warn(unit, "its inputs are all zero or their Hessian stays indefinite at damping 1; its columns were "
                            "rounded without making up for each other's errors");
        else if (result.damping > m_options.damping)
            task.warn(unit, "the Hessian was not positive definite until damping " + core::Json(result.damping).dump() +
                                "; more calibration tokens would help");
        task.replace(unit, std::make_shared<spqr::SpqrTensor>(std::move(result.parts), m_options.format, mask));
        return core::success();
    }

private:
    core::Result<engine::FactoredHessian> factored(engine::StageTask& task, const engine::Unit& unit) const
    {
        if (engine::isSeldomExpert(task, unit, m_minTokens,
                                   "its columns were rounded without making up for each other's errors"))
            return engine::factorise(at::eye(unit.inFeatures), m_options.factor());
        return engine::factorise(task, unit, m_options.factor());
    }

    core::Json m_parameters;
    spqr::Options m_options;
    std::int64_t m_minTokens = 0;
};

core::Result<std::unique_ptr<engine::Stage>> makeSpqr(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<SpqrStage>(parameters));
}

constexpr std::array kLayouts {engine::TensorLayout {spqr::SpqrTensor::kLayout, &spqr::SpqrTensor::fromParts}};

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSpqr, .layouts = kLayouts})
