// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/commands.h"
#include "core/engine/plugin/hooks.h"
#include "core/engine/plugin/kv_store.h"
#include "core/engine/trial_observer.h"

#include <filesystem>

namespace paretoscope::engine {

/// What commands of a trial may do.
struct CommandSettings
{
    bool areAllowed = false;
    std::filesystem::path model;   ///< as the workload names it
    std::filesystem::path scratch; ///< folder
};

/// What a command gets to see of the trial; all of it outlives the service.
struct CommandContext
{
    const LanguageModel& model;
    const ModelTensors& tensors;
    const Hooks& hooks;
    const KvStoreFactory& makeStore;
    TrialObserver& observer;
};

/// See Commands.
class CommandService : public Commands
{
public:
    CommandService(CommandContext context, CommandSettings settings)
        : m_context(context)
        , m_settings(std::move(settings))
    {}

    core::Result<std::shared_ptr<const std::filesystem::path>> makeFolder() override;
    core::Status writeModel(const std::filesystem::path& folder) override;
    core::Status run(const std::vector<std::string>& words, const std::filesystem::path& folder,
                     std::chrono::duration<double> limit) override;

private:
    CommandContext m_context;
    CommandSettings m_settings;
};

} // namespace paretoscope::engine
