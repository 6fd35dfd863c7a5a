// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "core/sweep/sweep.h"

namespace paretoscope::core {

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
};

/// What a finished trial brings back.
struct TrialOutcome
{
    std::vector<MetricRecord> metrics;
    std::vector<LayerMetricRecord> layerMetrics;
    double seconds = 0;
    Json provenance; ///< device, threads, versions, phase times, cache hits, warnings
};

Json toJson(const TrialRequest& request);
Result<TrialRequest> trialRequestFromJson(const Json& json);
Json toJson(const TrialOutcome& outcome);
Result<TrialOutcome> trialOutcomeFromJson(const Json& json);
Json toJson(const MetricRecord& metric);
Result<MetricRecord> metricRecordFromJson(const Json& json);
Json toJson(const WorkloadSpec& workload);
Result<WorkloadSpec> workloadSpecFromJson(const Json& json);
Json toJson(const Pipeline& pipeline); ///< [{"plugin","version","parameters"}]
Result<Pipeline> pipelineFromJson(const Json& json);

} // namespace paretoscope::core
