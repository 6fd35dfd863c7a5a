// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/layout/sparse_tensor.h"
#include "core/engine/layout/sum_tensor.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/compensation/slim/slim.h"

#include <algorithm>
#include <string>
#include <utility>

namespace {

using namespace paretoscope;

constexpr int kNotQuantized = 16;

std::optional<slim::Quantization> quantizationFrom(const core::Json& parameters)
{
    if (parameters.at("bits").get<int>() == kNotQuantized)
        return std::nullopt;
    const std::string quantizer = parameters.at("quantizer").get<std::string>();
    slim::Quantization quantization;
    quantization.quantizer = quantizer == "slim"     ? slim::Quantizer::Slim
                             : quantizer == "absmax" ? slim::Quantizer::AbsMax
                                                     : slim::Quantizer::GroupAbsMax;
    quantization.reproject = parameters.at("reproject").get<bool>();
    quantization.grid.bits = parameters.at("bits").get<int>();
    quantization.grid.symmetric = true;
    quantization.grid.divisor = engine::SymmetricDivisor::QMax;
    quantization.grid.groupSize =
        quantization.quantizer == slim::Quantizer::GroupAbsMax ? parameters.at("group_size").get<std::int64_t>() : -1;
    return quantization;
}

class SlimStage : public engine::Stage
{
public:
    explicit SlimStage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_saliency(m_parameters.at("saliency").get<std::string>())
        , m_rankRatio(m_parameters.at("rank_ratio").get<double>())
        , m_minTokens(m_parameters.at("min_tokens").get<std::int64_t>())
    {
        m_options.adapter =
            engine::FactorFormat::fromParameters(m_parameters, "adapter_bits", "adapter_group_size", at::kHalf);
        m_options.quantization = quantizationFrom(m_parameters);
    }

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(engine::selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        std::vector<engine::StatisticRequest> statistics;
        if (m_saliency != "naive")
            statistics.push_back({.id = statisticId()});
        return engine::calibratedPlan(std::move(targets), std::move(statistics), m_parameters);
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        const auto form = task.form(unit);
        if (!form)
            return core::Error {core::ErrorCode::InvalidArgument, "no stage before compressed this weight",
                                "exclude this module, or include it in a stage before"};
        const bool isPruned = form->layout() == engine::SparseTensor::kLayout;
        if (m_options.quantization && !isPruned && form->layout() != engine::DenseTensor::kLayout)
            return core::Error {core::ErrorCode::InvalidArgument,
                                "bits of slim rounds pruned weights, and this one is stored as " +
                                    std::string(form->layout()) + " already",
                                "leave out bits of slim, or the stage that made this form"};
        at::Tensor omega;
        if (m_saliency != "naive" && !engine::isSeldomExpert(task, unit, m_minTokens, "its inputs count alike")) {
            PSC_ASSIGN(const engine::StatisticValue size, task.statistic(unit, statisticId()));
            omega = slim::saliency(m_saliency == "slim" ? size.value : size.value.square());
        }
        slim::Options options = m_options;
        options.rank = static_cast<std::int64_t>(m_rankRatio * double(std::min(unit.outFeatures, unit.inFeatures)));
        PSC_ASSIGN(slim::Compensated result,
                   slim::compensate(task.originalWeight(unit), task.weight(unit), form, omega, options));
        task.record(unit, "rank", static_cast<double>(options.rank));
        if (result.adapter)
            task.replace(unit, std::make_shared<engine::SumTensor>(result.base, result.adapter));
        else
            task.replace(unit, result.base);
        return core::success();
    }

private:
    std::string statisticId() const { return m_saliency == "slim" ? "column_square_mean" : "column_abs_mean"; }

    core::Json m_parameters;
    std::string m_saliency;
    double m_rankRatio;
    std::int64_t m_minTokens;
    slim::Options m_options; ///< all but the rank
};

core::Result<std::unique_ptr<engine::Stage>> makeSlim(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<SlimStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSlim})
