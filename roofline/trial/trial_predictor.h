// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "roofline/trial/what_if.h"
#include "roofline/trial/workload_model.h"

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace paretoscope::roofline {

/// What the model of a trial would take on a device. SI units.
struct TrialPrediction
{
    double timeToFirstToken = 0;
    double timePerOutputToken = 0;
    double totalSeconds = 0;
    double tokensPerSecond = 0; ///< generated, of the whole batch
    double memoryBytes = 0;
    std::optional<bool> fits = {};             ///< nothing when the device's memory is not known
    std::optional<double> joulesPerToken = {}; ///< nothing when its power is not known
};

/// A predicted number that can stand on an axis or in a column.
struct PredictedQuantity
{
    std::string_view name; ///< "predicted_tpot"
    std::string_view unit; ///< "s", "B", "J", "1/s"
    bool minimise = true;
    std::optional<double> (*valueIn)(const TrialPrediction& prediction) = nullptr;
};
/// predicted_ttft, predicted_tpot, predicted_tokens_per_second, predicted_joules_per_token, predicted_memory.
std::span<const PredictedQuantity> predictedQuantities();
const PredictedQuantity* predictedQuantity(std::string_view name); ///< nullptr: there is none

/// Predicts the trials of a project from what it holds of them: the configuration of the model, and how each tensor is
/// stored. Reads a model once. One object per thread.
class TrialPredictor
{
public:
    /// @param families folder of the family files
    TrialPredictor(std::span<const core::WorkloadRecord> workloads, std::filesystem::path families);

    /// The model as the trial left it. Errors: Unsupported (the project does not hold what is needed: says what, and
    /// how to get it); those of WorkloadModel.
    core::Result<CompressedModel> modelOf(const core::TrialRecord& trial);
    /// The config.json of its model. Errors: Unsupported (the project does not hold it).
    core::Result<core::Json> configOf(const core::TrialRecord& trial) const;
    /// Errors: as modelOf; those of predictGeneration().
    core::Result<TrialPrediction> predict(const core::TrialRecord& trial, const WhatIf& whatIf);
    /// SHA-256 in hexadecimal of everything that a prediction is made of: formulas, model, stored tensors, device, and the
    /// load with all other settings.
    core::Result<std::string> inputsDigest(const core::TrialRecord& trial, const HardwareSpec& hardware,
                                           const core::Json& load) const;

private:
    const core::WorkloadRecord* workloadOf(const core::TrialRecord& trial) const;

    std::span<const core::WorkloadRecord> m_workloads;
    std::filesystem::path m_families;
    std::map<std::string, core::Result<WorkloadModel>, std::less<>> m_models; ///< by name of the workload
};

/// The whole prediction of a model as a trial left it; memory counts the tensors as they are stored.
core::Result<GenerationPrediction> predictGeneration(const CompressedModel& model, const WhatIf& whatIf);

} // namespace paretoscope::roofline
