// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/low_rank_stage.h"

#include "core/engine/low_rank/rank_rule.h"
#include "core/engine/low_rank/truncation.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"

#include <utility>

namespace paretoscope::engine {

LowRankStage::LowRankStage(core::Json parameters, std::vector<StatisticRequest> statistics)
    : m_parameters(std::move(parameters))
    , m_statistics(std::move(statistics))
{}

core::Status LowRankStage::validate(const ModelView& model) const
{
    PSC_TRY(selectRanks(model, m_parameters));
    return core::success();
}

core::Result<StagePlan> LowRankStage::prepare(const ModelView& model)
{
    PSC_ASSIGN(const auto ranks, selectRanks(model, m_parameters));
    std::vector<std::size_t> targets;
    for (const auto& [target, rank] : ranks) {
        targets.push_back(target);
        m_ranks[model.units[target].module] = rank;
    }
    return calibratedPlan(std::move(targets), m_statistics, m_parameters);
}

core::Status LowRankStage::apply(StageTask& task)
{
    const Unit& unit = *task.units().front();
    const bool looksAtInputs =
        m_statistics.empty() ||
        !isSeldomExpert(task, unit, m_parameters.at("min_tokens").get<std::int64_t>(), "its inputs count alike");
    at::Tensor weighting;
    if (looksAtInputs) {
        PSC_ASSIGN(weighting, omega(task, unit));
    }
    const std::int64_t rank = m_ranks.at(unit.module);
    LowRankFactors factors = truncate(task.weight(unit), weighting, rank);
    if (looksAtInputs)
        PSC_TRY(refine(task, unit, factors));
    const FactorFormat format =
        FactorFormat::fromParameters(m_parameters, "factor_bits", "factor_group_size", task.storedType(unit));
    PSC_ASSIGN(auto product, store(factors, format));
    task.record(unit, "rank", static_cast<double>(rank));
    task.replace(unit, std::move(product));
    return core::success();
}

} // namespace paretoscope::engine
