// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/project/records.h"
#include "core/sweep/sweep.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace paretoscope::core {

/// The packed compressed model of a finished result.
struct KeptModel
{
    std::filesystem::path file;
    Sha256Digest digest; ///< of the file
};

/// All a worker needs to run one trial; travels as JSON between coordinator and worker.
struct TrialRequest
{
    TrialId id;
    WorkloadSpec workload;
    WorkloadIdentity identity;
    Pipeline pipeline;
    std::uint64_t seed = 0;
    /// Indices into WorkloadSpec::evaluate that are still to be measured (a result may be there already).
    std::vector<int> measurements;
    /// 1, then higher after a worker was lost or ran out of memory: such an attempt takes as little memory as it can.
    int attempt = 1;
    /// What the pipeline made of the model already: it is measured, nothing is compressed.
    std::optional<KeptModel> kept = std::nullopt;
    std::filesystem::path artifacts = {}; ///< folder in which the packed model is kept; empty: nowhere
    Bytes artifactLimit = {};             ///< a larger one is not kept
    /// After how many steps (Pipeline::steps) the model is needed by trials still to come, rising: worth keeping there.
    std::vector<int> sharedBeginnings = {};
};

/// What a worker is told to write: the model of a trial in a format that other software loads.
struct ExportRequest
{
    TrialRequest trial;
    std::string format;               ///< plugin of the kind export
    Json parameters = Json::object(); ///< of that plugin
    std::filesystem::path folder;     ///< empty
};

/// What a finished trial brings back.
struct TrialOutcome
{
    std::vector<MetricRecord> metrics;
    std::vector<LayerMetricRecord> layerMetrics;
    std::vector<ArtifactRecord> artifacts; ///< in TrialRequest::artifacts
    double seconds = 0;
    Json provenance; ///< device, threads, versions, phase times, cache hits, warnings
};

Json toJson(const TrialRequest& request);
Result<TrialRequest> trialRequestFromJson(const Json& json);
Json toJson(const ExportRequest& request);
Result<ExportRequest> exportRequestFromJson(const Json& json);
Json toJson(const TrialOutcome& outcome);
Result<TrialOutcome> trialOutcomeFromJson(const Json& json);
Json toJson(const MetricRecord& metric);
Result<MetricRecord> metricRecordFromJson(const Json& json);
Json toJson(const WorkloadSpec& workload);
Result<WorkloadSpec> workloadSpecFromJson(const Json& json);
Json toJson(const Pipeline& pipeline); ///< [{"plugin","version","parameters"}]
Result<Pipeline> pipelineFromJson(const Json& json);

} // namespace paretoscope::core
