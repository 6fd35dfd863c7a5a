// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/sum_tensor.h"
#include "core/engine/low_rank/rank_rule.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/compensation/eora/eora.h"

#include <string>
#include <utility>

namespace {

using namespace paretoscope;

class EoraStage : public engine::Stage
{
public:
    explicit EoraStage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_rank(m_parameters.at("rank").get<std::int64_t>())
        , m_method(m_parameters.at("method").get<std::string>())
        , m_minTokens(m_parameters.at("min_tokens").get<std::int64_t>())
        , m_format(engine::FactorFormat::fromParameters(m_parameters, "adapter_bits", "adapter_group_size", at::kHalf))
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_ASSIGN(const std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        for (const std::size_t target : targets)
            PSC_TRY(engine::requireRank(model.units[target], m_rank));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        std::vector<engine::StatisticRequest> statistics;
        if (m_method != "svd")
            statistics.push_back({.id = statisticId()});
        return engine::calibratedPlan(std::move(targets), std::move(statistics), m_parameters);
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        const auto compressed = task.form(unit);
        if (!compressed)
            return core::Error {core::ErrorCode::InvalidArgument, "no stage before compressed this weight",
                                "exclude this module, or include it in a stage before"};
        at::Tensor omega;
        if (m_method != "svd" && !engine::isSeldomExpert(task, unit, m_minTokens, "its inputs count alike")) {
            PSC_ASSIGN(const engine::StatisticValue statistic, task.statistic(unit, statisticId()));
            omega = m_method == "act" ? statistic.value.square() : statistic.value;
        }
        const at::Tensor error = task.originalWeight(unit) - task.weight(unit);
        PSC_ASSIGN(const eora::Adapter adapter, eora::adapterFor(error, omega, m_rank, m_format));
        task.record(unit, "compensated_error_ratio", adapter.errorLeft);
        task.replace(unit, std::make_shared<engine::SumTensor>(compressed, adapter.tensor));
        return core::success();
    }

private:
    std::string statisticId() const { return m_method == "act" ? "column_abs_mean" : "hessian"; }

    core::Json m_parameters;
    std::int64_t m_rank;
    std::string m_method;
    std::int64_t m_minTokens;
    engine::FactorFormat m_format;
};

core::Result<std::unique_ptr<engine::Stage>> makeEora(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<EoraStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeEora})
