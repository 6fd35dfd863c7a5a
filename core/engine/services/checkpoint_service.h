// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/model/language_model.h"
#include "core/engine/plugin/checkpoints.h"

#include <filesystem>

namespace paretoscope::engine {

/// See Checkpoints.
class CheckpointService : public Checkpoints
{
public:
    /// @param architectures folder of the family files; @param device on which tensors are wanted
    CheckpointService(const LanguageModel& model, std::filesystem::path architectures, at::Device device)
        : m_model(model)
        , m_architectures(std::move(architectures))
        , m_device(device)
    {}

    core::Result<std::shared_ptr<const OtherCheckpoint>> open(const std::filesystem::path& model) override;

private:
    const LanguageModel& m_model;
    std::filesystem::path m_architectures;
    at::Device m_device;
};

} // namespace paretoscope::engine
