// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/additive_tensor.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/seldom_expert.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/aqlm/aqlm.h"

namespace {

using namespace paretoscope;

class AqlmStage : public engine::Stage
{
public:
    explicit AqlmStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        m_options.codebooks = m_parameters.at("codebooks").get<std::int64_t>();
        m_options.bits = m_parameters.at("codebook_bits").get<int>();
        m_options.groupSize = m_parameters.at("group_size").get<std::int64_t>();
        m_options.beam = m_parameters.at("beam_size").get<std::int64_t>();
        m_options.rounds = m_parameters.at("rounds").get<int>();
        m_options.steps = m_parameters.at("steps").get<int>();
        m_options.learningRate = m_parameters.at("learning_rate").get<double>();
        m_options.tolerance = m_parameters.at("tolerance").get<double>();
        m_options.pointsPerCentroid = m_parameters.at("points_per_centroid").get<std::int64_t>();
        m_minTokens = m_parameters.at("min_tokens").get<std::int64_t>();
    }

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_ASSIGN(const std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        for (const std::size_t target : targets) {
            const engine::Unit& unit = model.units[target];
            if (unit.inFeatures % m_options.groupSize != 0)
                return core::Error {core::ErrorCode::InvalidArgument,
                                    unit.module + ": its " + std::to_string(unit.inFeatures) +
                                        " inputs are no multiple of group_size " + std::to_string(m_options.groupSize),
                                    "take a group_size that divides them, or exclude this module"};
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
        if (const auto form = task.form(unit); form && form->mask().defined())
            return core::Error {core::ErrorCode::InvalidArgument,
                                "an earlier stage pruned this weight, and sums of codebook vectors hold no zeros",
                                "quantise it with rtn, gptq or spqr, or exclude it"};
        PSC_ASSIGN(const at::Tensor hessian,
                   engine::hessianOrIdentity(task, unit, m_minTokens, "all its inputs count alike"));
        PSC_ASSIGN(const aqlm::Fitted fitted, aqlm::fit(task.weight(unit), hessian, m_options, task.seed(unit)));
        task.record(unit, "rounds", double((fitted.losses.size() - 3) / 2));
        task.replace(unit, std::make_shared<engine::AdditiveTensor>(fitted.codes, m_options.bits));
        return core::success();
    }

private:
    core::Json m_parameters;
    aqlm::Options m_options;
    std::int64_t m_minTokens = 0;
};

core::Result<std::unique_ptr<engine::Stage>> makeAqlm(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<AqlmStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeAqlm})
