// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/pruning/pruned_replacement.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "plugins/pruning/sparsegpt/sparsegpt.h"

#include <string>
#include <utility>

namespace {

using namespace paretoscope;

constexpr int kNotQuantized = 16;

class SparseGptStage : public engine::Stage
{
public:
    SparseGptStage(core::Json parameters, sparsegpt::Options options)
        : m_parameters(std::move(parameters))
        , m_options(std::move(options))
        , m_minTokens(m_parameters.at("min_tokens").get<std::int64_t>())
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(m_options.pattern.targets(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, m_options.pattern.targets(model, m_parameters));
        return engine::calibratedPlan(std::move(targets), {{.id = "hessian"}}, m_parameters);
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        PSC_ASSIGN(const sparsegpt::Pruned result, pruned(task, unit));
        if (result.damping > m_options.damping)
            task.warn(unit, "the Hessian was not positive definite until damping " + core::Json(result.damping).dump() +
                                "; more calibration tokens would help");
        if (!m_options.grid) {
            engine::replacePruned(task, unit, result.weight, result.mask);
            return core::success();
        }
        task.record(unit, "density", double(result.mask.sum().item<std::int64_t>()) / double(result.mask.numel()));
        task.replace(unit, std::make_shared<engine::GroupAffineTensor>(result.codes, result.grids, *m_options.grid,
                                                                       at::Tensor(), result.mask));
        return core::success();
    }

private:
    core::Result<sparsegpt::Pruned> pruned(engine::StageTask& task, const engine::Unit& unit) const
    {
        const at::Tensor weight = task.weight(unit);
        if (engine::isSeldomExpert(task, unit, m_minTokens, "pruned by magnitude"))
            return sparsegpt::prune(weight, {.dead = at::ones({unit.inFeatures}, at::kBool)}, m_options);
        PSC_ASSIGN(const engine::FactoredHessian hessian, engine::factorise(task, unit, m_options.factor()));
        PSC_ASSIGN(sparsegpt::Pruned result, sparsegpt::prune(weight, hessian, m_options));
        task.record(unit, "damping", result.damping);
        if (result.damping == 0)
            task.warn(unit, "its inputs are all zero in the calibration data; pruned by magnitude");
        return result;
    }

    core::Json m_parameters;
    sparsegpt::Options m_options;
    std::int64_t m_minTokens;
};

core::Result<std::unique_ptr<engine::Stage>> makeSparseGpt(const core::Json& parameters)
{
    sparsegpt::Options options;
    PSC_ASSIGN(options.pattern, engine::SparsityPattern::fromParameters(parameters));
    if (parameters.at("bits").get<int>() != kNotQuantized)
        options.grid = engine::AffineOptions::fromParameters(parameters);
    options.damping = parameters.at("damping").get<double>();
    options.blockSize = parameters.at("block_size").get<std::int64_t>();
    if (options.pattern.isNOfM() && options.blockSize % options.pattern.of != 0)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "block_size " + std::to_string(options.blockSize) +
                                " does not divide into the groups of the pattern " + options.pattern.text(),
                            "use a multiple of " + std::to_string(options.pattern.of)};
    return std::unique_ptr<engine::Stage>(std::make_unique<SparseGptStage>(parameters, std::move(options)));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSparseGpt})
