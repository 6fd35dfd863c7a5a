// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/pruning/pruned_replacement.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "plugins/pruning/wanda/wanda.h"

#include <utility>

namespace {

using namespace paretoscope;

class WandaStage : public engine::Stage
{
public:
    WandaStage(core::Json parameters, engine::SparsityPattern pattern)
        : m_parameters(std::move(parameters))
        , m_pattern(pattern)
        , m_variant(m_parameters.at("variant").get<bool>())
        , m_tolerance(m_parameters.at("alpha_tolerance").get<double>())
        , m_minTokens(m_parameters.at("min_tokens").get<std::int64_t>())
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(m_pattern.targets(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, m_pattern.targets(model, m_parameters));
        return engine::calibratedPlan(std::move(targets), {{.id = "column_square_mean"}}, m_parameters);
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        const at::Tensor weight = task.weight(unit);
        if (engine::isSeldomExpert(task, unit, m_minTokens, "pruned by magnitude")) {
            engine::replacePruned(task, unit, weight, m_pattern.maskOf(weight.abs()));
            return core::success();
        }
        PSC_ASSIGN(const engine::StatisticValue squares, task.statistic(unit, "column_square_mean"));
        const at::Tensor scores = wanda::scores(weight, squares.value);
        if (m_variant && !m_pattern.isNOfM()) {
            const wanda::Variant variant = wanda::variantMask(scores, m_pattern.sparsity, m_tolerance);
            task.record(unit, "alpha", variant.alpha);
            engine::replacePruned(task, unit, weight, variant.mask);
        } else {
            engine::replacePruned(task, unit, weight, m_pattern.maskOf(scores));
        }
        return core::success();
    }

private:
    core::Json m_parameters;
    engine::SparsityPattern m_pattern;
    bool m_variant;
    double m_tolerance;
    std::int64_t m_minTokens;
};

core::Result<std::unique_ptr<engine::Stage>> makeWanda(const core::Json& parameters)
{
    PSC_ASSIGN(const engine::SparsityPattern pattern, engine::SparsityPattern::fromParameters(parameters));
    return std::unique_ptr<engine::Stage>(std::make_unique<WandaStage>(parameters, pattern));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeWanda})
