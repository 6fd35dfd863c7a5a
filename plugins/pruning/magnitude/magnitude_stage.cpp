// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/pruning/pruned_replacement.h"
#include "plugins/pruning/magnitude/magnitude.h"

#include <utility>

namespace {

using namespace paretoscope;

/// Data-free pruning: the baseline of every pruning method.
class MagnitudeStage : public engine::Stage
{
public:
    MagnitudeStage(core::Json parameters, engine::SparsityPattern pattern)
        : m_parameters(std::move(parameters))
        , m_pattern(pattern)
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(m_pattern.targets(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        engine::StagePlan plan;
        PSC_ASSIGN(plan.targets, m_pattern.targets(model, m_parameters));
        if (m_pattern.scope == engine::PruningScope::Global)
            plan.scope = engine::StageScope::Model;
        return plan;
    }

    core::Status apply(engine::StageTask& task) override
    {
        std::vector<at::Tensor> weights;
        for (const engine::Unit* unit : task.units())
            weights.push_back(task.weight(*unit));
        const std::vector<at::Tensor> masks = magnitude::masks(weights, m_pattern);
        for (std::size_t i = 0; i < masks.size(); ++i)
            engine::replacePruned(task, *task.units()[i], weights[i], masks[i]);
        return core::success();
    }

private:
    core::Json m_parameters;
    engine::SparsityPattern m_pattern;
};

core::Result<std::unique_ptr<engine::Stage>> makeMagnitude(const core::Json& parameters)
{
    PSC_ASSIGN(const engine::SparsityPattern pattern, engine::SparsityPattern::fromParameters(parameters));
    return std::unique_ptr<engine::Stage>(std::make_unique<MagnitudeStage>(parameters, pattern));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeMagnitude})
