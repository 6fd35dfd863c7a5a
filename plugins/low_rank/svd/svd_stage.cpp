// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/low_rank_stage.h"
#include "core/engine/plugin/plugin_api.h"

namespace {

using namespace paretoscope;

/// All columns count alike: the product closest to the weight itself (specs pruning_lowrank 8).
class SvdStage : public engine::LowRankStage
{
public:
    explicit SvdStage(const core::Json& parameters)
        : LowRankStage(parameters, {})
    {}

private:
    core::Result<at::Tensor> omega(const engine::StageTask&, const engine::Unit&) const override
    {
        return at::Tensor();
    }
};

core::Result<std::unique_ptr<engine::Stage>> makeSvd(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<SvdStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeSvd})
