// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/unit_selection.h"

namespace {

using namespace paretoscope;

/// Round to nearest, data-free: the baseline of every weight quantizer (specs quantization 2).
class RtnStage : public engine::Stage
{
public:
    explicit RtnStage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_options(engine::AffineOptions::fromParameters(m_parameters))
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(engine::selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        engine::StagePlan plan;
        PSC_ASSIGN(plan.targets, engine::selectUnits(model, m_parameters));
        return plan;
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        PSC_ASSIGN(auto quantized, engine::roundToNearest(task.weight(unit), m_options));
        task.replace(unit, std::move(quantized));
        return core::success();
    }

private:
    core::Json m_parameters;
    engine::AffineOptions m_options;
};

core::Result<std::unique_ptr<engine::Stage>> makeRtn(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<RtnStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeRtn})
