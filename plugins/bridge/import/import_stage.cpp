// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/checkpoints.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/whole_model.h"

#include <set>

namespace {

using namespace paretoscope;

/// Every tensor of the model is replaced by that of another checkpoint.
class ImportStage : public engine::Stage
{
public:
    explicit ImportStage(std::string checkpoint)
        : m_path(std::move(checkpoint))
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        static_cast<void>(model); // whether the networks agree shows when the files are opened
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        m_units = engine::unitTensors(model);
        return engine::planOfWholeModel(model);
    }

    /// Norms, biases and embeddings are no units of compression.
    core::Status begin(engine::StageTask& task) override
    {
        PSC_ASSIGN(m_checkpoint, task.services().service<engine::Checkpoints>()->open(m_path));
        for (const std::string& name : m_checkpoint->tensors()) {
            if (!m_units.contains(name))
                task.replaceTensor(name, m_checkpoint->tensor(name));
        }
        return core::success();
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        task.replace(unit, m_checkpoint->tensor(unit.tensor));
        return core::success();
    }

private:
    std::string m_path;
    std::set<std::string> m_units; ///< names of their tensors
    std::shared_ptr<const engine::OtherCheckpoint> m_checkpoint;
};

core::Result<std::unique_ptr<engine::Stage>> makeImport(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(
        std::make_unique<ImportStage>(parameters.at("checkpoint").get<std::string>()));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeImport})
