// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/rtn/rtn.h"

#include <algorithm>
#include <map>

namespace {

using namespace paretoscope;

/// Round to nearest, data-free: the baseline of every weight quantizer.
class RtnStage : public engine::Stage
{
public:
    explicit RtnStage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_options(rtn::Options::fromParameters(m_parameters))
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(rtn::checkCombination(m_parameters));
        PSC_TRY(engine::selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        engine::StagePlan plan;
        PSC_ASSIGN(plan.targets, engine::selectUnits(model, m_parameters));
        plan.scope = m_options.sharesFactor ? engine::StageScope::Block : engine::StageScope::Tensor;
        return plan;
    }

    core::Status apply(engine::StageTask& task) override
    {
        std::map<std::string, float> largest; // of the layers that read one input, and so run as one
        for (const engine::Unit* unit : task.units()) {
            if (m_options.sharesFactor)
                largest[unit->input] = std::max(largest[unit->input], task.weight(*unit).abs().max().item<float>());
        }
        for (const engine::Unit* unit : task.units()) {
            const auto form = task.form(*unit);
            const auto shared = largest.find(unit->input);
            auto quantized = rtn::quantize(task.weight(*unit), m_options, form ? form->mask() : at::Tensor(),
                                           shared == largest.end() ? std::nullopt : std::optional(shared->second));
            if (!quantized.ok()) // of a single unit the engine tells the name
                return m_options.sharesFactor ? quantized.error().withContext(unit->module) : quantized.error();
            task.replace(*unit, std::move(quantized).value());
        }
        return core::success();
    }

private:
    core::Json m_parameters;
    rtn::Options m_options;
};

core::Result<std::unique_ptr<engine::Stage>> makeRtn(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<RtnStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeRtn})
