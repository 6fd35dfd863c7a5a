// SPDX-License-Identifier: Apache-2.0
#include "roofline/trial/trial_predictor.h"

#include "core/base/sha256.h"
#include "roofline/hardware/hardware_json.h"

#include <algorithm>
#include <array>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

/// Rises with every change of a formula that changes a number.
constexpr int kFormulas = 1;
constexpr std::string_view kStoredBytes = "stored_bytes";

constexpr std::array kQuantities {
    PredictedQuantity {"predicted_ttft", "s", true,
                       [](const TrialPrediction& p) { return std::optional(p.timeToFirstToken); }},
    PredictedQuantity {"predicted_tpot", "s", true,
                       [](const TrialPrediction& p) { return std::optional(p.timePerOutputToken); }},
    PredictedQuantity {"predicted_tokens_per_second", "1/s", false,
                       [](const TrialPrediction& p) { return std::optional(p.tokensPerSecond); }},
    PredictedQuantity {"predicted_joules_per_token", "J", true,
                       [](const TrialPrediction& p) { return p.joulesPerToken; }},
    PredictedQuantity {"predicted_memory", "B", true,
                       [](const TrialPrediction& p) { return std::optional(p.memoryBytes); }},
};

/// How the tensors of a trial are stored; null when it was not recorded.
const core::Json* storedTensors(const core::TrialRecord& trial)
{
    for (const core::MetricRecord& metric : trial.metrics) {
        if (metric.name != kStoredBytes || !metric.details.is_object())
            continue;
        const auto tensors = metric.details.find(core::kStoredModelKey);
        if (tensors != metric.details.end())
            return &*tensors;
    }
    return nullptr;
}

Error notRecorded(const core::TrialRecord& trial)
{
    if (trial.status != core::TrialStatus::Done)
        return {ErrorCode::Unsupported, trial.label + " is not finished", "predictions need its compressed model"};
    return {ErrorCode::Unsupported, "how the tensors of " + trial.label + " are stored is not in the project",
            "it was run by an earlier version, or imported from a table; run it again into a new project"};
}

const core::Json* configIn(const core::WorkloadRecord* workload)
{
    if (!workload || !workload->description.is_object())
        return nullptr;
    const auto config = workload->description.find(core::kModelConfigKey);
    return config == workload->description.end() ? nullptr : &*config;
}

Error withoutConfiguration(const std::string& workload)
{
    return {ErrorCode::Unsupported, "the configuration of " + workload + " is not in the project",
            "it was recorded by an earlier version; a run of any of its sweeps adds it"};
}

} // namespace

std::span<const PredictedQuantity> predictedQuantities()
{
    return kQuantities;
}

const PredictedQuantity* predictedQuantity(std::string_view name)
{
    const auto found = std::find_if(kQuantities.begin(), kQuantities.end(),
                                    [&](const PredictedQuantity& quantity) { return quantity.name == name; });
    return found == kQuantities.end() ? nullptr : &*found;
}

TrialPredictor::TrialPredictor(std::span<const core::WorkloadRecord> workloads, std::filesystem::path families)
    : m_workloads(workloads)
    , m_families(std::move(families))
{}

/// Of several models of one name the newest that was described.
const core::WorkloadRecord* TrialPredictor::workloadOf(const core::TrialRecord& trial) const
{
    const core::WorkloadRecord* found = nullptr;
    for (const core::WorkloadRecord& workload : m_workloads) {
        if (workload.name == trial.workload && (!found || configIn(&workload)))
            found = &workload;
    }
    return found;
}

core::Result<CompressedModel> TrialPredictor::modelOf(const core::TrialRecord& trial)
{
    const core::Json* tensors = storedTensors(trial);
    if (!tensors)
        return notRecorded(trial);
    auto model = m_models.find(trial.workload);
    if (model == m_models.end()) {
        const core::Json* config = configIn(workloadOf(trial));
        model = m_models
                    .emplace(trial.workload, config ? WorkloadModel::read(*config, m_families)
                                                    : core::Result<WorkloadModel>(withoutConfiguration(trial.workload)))
                    .first;
    }
    if (!model->second.ok())
        return model->second.error();
    PSC_ASSIGN(const core::StoredModel stored, core::storedModelFromJson(*tensors));
    return model->second.value().with(stored);
}

core::Result<core::Json> TrialPredictor::configOf(const core::TrialRecord& trial) const
{
    const core::Json* config = configIn(workloadOf(trial));
    if (!config)
        return withoutConfiguration(trial.workload);
    return *config;
}

core::Result<TrialPrediction> TrialPredictor::predict(const core::TrialRecord& trial, const WhatIf& whatIf)
{
    PSC_ASSIGN(const CompressedModel model, modelOf(trial));
    PSC_ASSIGN(const GenerationPrediction whole, predictGeneration(model, whatIf));
    return TrialPrediction {.timeToFirstToken = whole.timeToFirstToken,
                            .timePerOutputToken = whole.timePerOutputToken,
                            .totalSeconds = whole.totalSeconds,
                            .tokensPerSecond = whole.tokensPerSecond,
                            .memoryBytes = whole.memory.total(),
                            .fits = whole.fits,
                            .joulesPerToken = joulesPerToken(whole, whatIf.request)};
}

core::Result<std::string> TrialPredictor::inputsDigest(const core::TrialRecord& trial, const HardwareSpec& hardware,
                                                       const core::Json& load) const
{
    const core::Json* tensors = storedTensors(trial);
    if (!tensors)
        return notRecorded(trial);
    PSC_ASSIGN(const core::Json config, configOf(trial));
    return core::sha256(core::canonicalJson({{"formulas", kFormulas},
                                             {"config", config},
                                             {"tensors", *tensors},
                                             {"hardware", hardwareJson(hardware)},
                                             {"load", load}}))
        .hex();
}

core::Result<GenerationPrediction> predictGeneration(const CompressedModel& model, const WhatIf& whatIf)
{
    PSC_ASSIGN(const Efficiency efficiency, namedEfficiency(whatIf.efficiency));
    PSC_ASSIGN(GenerationPrediction prediction,
               predictGeneration(model.shape, model.execution, whatIf.request, whatIf.hardware, efficiency));
    prediction.setWeightBytes(model.storedBytes, whatIf.hardware);
    return prediction;
}

} // namespace paretoscope::roofline
