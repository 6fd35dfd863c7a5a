// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/low_rank_stage.h"
#include "core/engine/plugin/plugin_api.h"

namespace {

using namespace paretoscope;

/// Columns count by the mean absolute value of their input, to the power of twice alpha (Yuan et al. 2023; specs
/// pruning_lowrank 8).
class AsvdStage : public engine::LowRankStage
{
public:
    explicit AsvdStage(const core::Json& parameters)
        : LowRankStage(parameters, {{.id = "column_abs_mean"}})
        , m_alpha(parameters.at("alpha").get<double>())
    {}

private:
    core::Result<at::Tensor> omega(const engine::StageTask& task, const engine::Unit& unit) const override
    {
        constexpr double kSmallest = 1e-6; // of a scale, as published
        PSC_ASSIGN(const engine::StatisticValue mean, task.statistic(unit, "column_abs_mean"));
        return mean.value.to(at::kDouble).pow(m_alpha).add_(kSmallest).square_();
    }

    double m_alpha;
};

core::Result<std::unique_ptr<engine::Stage>> makeAsvd(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<AsvdStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeAsvd})
