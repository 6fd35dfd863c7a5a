// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/host_services.h"
#include "core/engine/services/activation_sampler.h"
#include "core/engine/services/checkpoint_service.h"
#include "core/engine/services/command_service.h"
#include "core/engine/services/decoding_service.h"
#include "core/engine/services/gradient_service.h"
#include "core/engine/services/replay_service.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// What a host offers, by the static kId and kVersion of the service.
struct ServiceName
{
    std::string_view id;
    int version = 0;
};
/// Every service of this program. Known before any trial, so that a plugin that needs another one is refused early.
std::span<const ServiceName> offeredServices();

/// What the services of one trial work on; all of it outlives them.
struct ServiceContext
{
    const LanguageModel& model;
    const ModelTensors& tensors; ///< as the stages so far left them, at the time of every call
    const std::vector<std::vector<std::int32_t>>& calibration;
    const Hooks& hooks;
    const KvStoreFactory& makeStore; ///< of the pipeline so far; empty: dense
    TrialObserver& observer;
    core::Bytes residentLimit;
    const std::filesystem::path& architectures; ///< folder of the family files
    CommandSettings commands = {};              ///< none are allowed
};

/// The services of one trial.
class ServiceHost : public HostServices
{
public:
    explicit ServiceHost(const ServiceContext& context);

    Service* find(std::string_view id, int version) override;

private:
    CalibrationContext m_calibration;
    BlockInputs m_original;
    BlockInputs m_current;
    ActivationSampler m_samples;
    CheckpointService m_checkpoints;
    CommandService m_commands;
    DecodingService m_decoding;
    GradientService m_gradients;
    ReplayService m_replay;
};

} // namespace paretoscope::engine
