// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/low_rank_stage.h"
#include "core/engine/plugin/activation_samples.h"
#include "core/engine/plugin/plugin_api.h"

#include <string>

namespace {

using namespace paretoscope;

/// Errors count by what they do to the outputs on the calibration data (Wang et al. 2025, whitening; specs
/// pruning_lowrank 8). U is then the least-squares solution for W x at these inputs already. The second update fits it
/// to what the layer gave in the uncompressed model, from what it reads in the compressed one.
class SvdLlmStage : public engine::LowRankStage
{
public:
    explicit SvdLlmStage(const core::Json& parameters)
        : LowRankStage(parameters, {{.id = "hessian"}})
        , m_updatesU(parameters.at("update_u").get<bool>())
        , m_updateTokens(parameters.at("update_tokens").get<std::int64_t>())
    {}

private:
    /// What units read, row by row, in the uncompressed and in the compressed model.
    struct PairedRows
    {
        std::string input;
        at::Tensor original;
        at::Tensor compressed;
    };

    core::Result<at::Tensor> omega(const engine::StageTask& task, const engine::Unit& unit) const override
    {
        PSC_ASSIGN(const engine::StatisticValue hessian, task.statistic(unit, "hessian"));
        return hessian.value;
    }

    core::Status refine(engine::StageTask& task, const engine::Unit& unit, engine::LowRankFactors& factors) override
    {
        if (!m_updatesU)
            return core::success();
        if (unit.expert >= 0) { // other tokens reach it in the one model than in the other
            task.warn(unit, "update_u leaves experts as the whitening makes them");
            return core::success();
        }
        if (m_rows.input != unit.input)
            PSC_TRY(sampleRows(task, unit));
        const at::Tensor folded = task.foldedColumns(unit);
        const at::Tensor original = folded.defined() ? m_rows.original / folded : m_rows.original;
        const at::Tensor targets = at::mm(original, task.originalWeight(unit).t());
        const auto errorOf = [&](const engine::LowRankFactors& product) {
            const at::Tensor given = at::mm(at::mm(m_rows.compressed.to(at::kDouble), product.a.t()), product.b.t());
            return (given - targets).square().sum().item<double>();
        };
        const double before = errorOf(factors);
        factors = engine::refitted(std::move(factors), targets, m_rows.compressed);
        if (before > 0)
            task.record(unit, "update_u_error_ratio", errorOf(factors) / before);
        return core::success();
    }

    core::Status sampleRows(engine::StageTask& task, const engine::Unit& unit)
    {
        auto* service = task.services().service<engine::ActivationSamples>();
        engine::SampleRequest request;
        request.places = {{.input = unit.input}};
        request.budget = {unit.inFeatures * 4 * m_updateTokens};
        request.source = engine::ActivationSource::Original;
        PSC_ASSIGN(const auto original, service->sample(request));
        request.source = engine::ActivationSource::Current;
        PSC_ASSIGN(const auto compressed, service->sample(request));
        m_rows = {unit.input, original.front().values, compressed.front().values};
        return core::success();
    }

    bool m_updatesU;
    std::int64_t m_updateTokens;
    PairedRows m_rows; ///< of the unit before, which often reads the same
};

core::Result<std::unique_ptr<engine::Stage>> makeSvdLlm(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<SvdLlmStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSvdLlm})
