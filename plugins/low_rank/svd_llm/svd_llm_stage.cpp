// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/low_rank_stage.h"
#include "core/engine/plugin/plugin_api.h"

namespace {

using namespace paretoscope;

/// Errors count by what they do to the outputs on the calibration data (Wang et al. 2025, whitening; specs
/// pruning_lowrank 8). U is then the least-squares solution for these inputs already; the published second update of U
/// regresses on the outputs of the uncompressed model, for which no statistic of two models exists.
class SvdLlmStage : public engine::LowRankStage
{
public:
    explicit SvdLlmStage(const core::Json& parameters)
        : LowRankStage(parameters, {{.id = "hessian"}})
    {}

private:
    core::Result<at::Tensor> omega(const engine::StageTask& task, const engine::Unit& unit) const override
    {
        PSC_ASSIGN(const engine::StatisticValue hessian, task.statistic(unit, "hessian"));
        return hessian.value;
    }
};

core::Result<std::unique_ptr<engine::Stage>> makeSvdLlm(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<SvdLlmStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSvdLlm})
