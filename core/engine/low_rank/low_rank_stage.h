// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/low_rank/truncation.h"
#include "core/engine/plugin/stage.h"

#include <map>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Replaces weights by low-rank products; a method says how much the columns of a weight count.
/// Parameters: those of selectRanks(), factor_bits, factor_group_size; with statistics also propagate and min_tokens.
class LowRankStage : public Stage
{
public:
    /// @param statistics  that omega() reads
    LowRankStage(core::Json parameters, std::vector<StatisticRequest> statistics);

    core::Status validate(const ModelView& model) const override;
    core::Result<StagePlan> prepare(const ModelView& model) override;
    core::Status apply(StageTask& task) override;

protected:
    const core::Json& parameters() const { return m_parameters; }
    /// Ω of truncate() for this unit. Errors: Numerical (no statistics).
    virtual core::Result<at::Tensor> omega(const StageTask& task, const Unit& unit) const = 0;
    /// Changes the factors before they are stored; not called for units whose inputs were not looked at.
    virtual core::Status refine(StageTask& task, const Unit& unit, LowRankFactors& factors)
    {
        static_cast<void>(task);
        static_cast<void>(unit);
        static_cast<void>(factors);
        return core::success();
    }

private:
    core::Json m_parameters;
    std::vector<StatisticRequest> m_statistics;
    std::map<std::string, std::int64_t> m_ranks; ///< by module
};

} // namespace paretoscope::engine
