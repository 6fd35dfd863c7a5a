// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/sweep/trial_id.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// One measurement of one result.
struct MetricRecord
{
    std::string name;            ///< "perplexity", "stored_bytes", ...
    std::optional<double> value; ///< empty when not finite (then `flags` says why)
    std::optional<double> standardError;
    std::int64_t n = 0; ///< independent units behind the standard error
    std::string unit;   ///< "", "B", "bit", "s"
    bool minimise = true;
    std::string protocol; ///< protocol id; "" for metrics that need none (sizes)
    std::string device;   ///< "cpu", "cuda:0"
    std::string dtype;    ///< arithmetic, "float32"
    int threads = 0;
    std::string build;              ///< version + libtorch version
    Json details;                   ///< per-window values, hashes, seconds, flags
    std::int64_t confirmations = 0; ///< other runs that gave the same value
};

/// Whether it was computed in this arithmetic; records of programs that knew float32 alone may lack it.
bool isMeasuredIn(const MetricRecord& metric, std::string_view arithmetic);

/// One number about one layer of one result.
struct LayerMetricRecord
{
    std::string module; ///< "model.layers.3.mlp.down_proj"
    int layer = -1;     ///< index of the block, -1 outside
    std::string name;   ///< "relative_output_error", ...
    std::optional<double> value;
};

/// A big result of a trial, by content: a file beside the project under its hash.
struct ArtifactRecord
{
    std::string role;      ///< what it is to the trial: "model"
    std::string kind;      ///< "compressed_model"
    std::string mediaType; ///< "application/x-safetensors"
    std::string sha256;    ///< 64 hexadecimal digits
    std::int64_t bytes = 0;
    Json description;
};

enum class TrialStatus
{
    Queued,
    Running,
    Done,
    Failed,
    Interrupted
};
std::string_view trialStatusName(TrialStatus status);
std::optional<TrialStatus> trialStatusFromName(std::string_view name);

/// A trial as the project keeps it.
struct TrialRecord
{
    TrialId id;
    std::string workload; ///< name of the model folder or file
    std::string sweep;    ///< name of the sweep that asked for it first
    std::string label;    ///< Pipeline::label()
    Json pipeline;        ///< [{"plugin","version","parameters"}]
    std::uint64_t seed = 0;
    TrialStatus status = TrialStatus::Queued;
    double seconds = 0;
    std::string startedUtc; ///< ISO-8601
    std::string finishedUtc;
    Json provenance; ///< command, versions, hashes, device, threads, log tail
    std::optional<Error> error;
    int attempts = 0;
    std::vector<MetricRecord> metrics;
    std::vector<LayerMetricRecord> layerMetrics;
    std::vector<ArtifactRecord> artifacts; ///< that this run made; read by ProjectStore::artifacts alone
    std::vector<std::string> tags;

    const MetricRecord* metric(std::string_view name, std::string_view protocol = {}) const;
};

struct WorkloadRecord
{
    std::string name;
    std::string kind;
    std::string modelPath;
    std::string modelSha256;
    std::string tokenizerSha256;
    std::int64_t parameters = 0;
    std::int64_t storedBytes = 0;
    Json description; ///< calibration and evaluation, as in the sweep file
};

/// A sweep file as it was run.
struct SweepRecord
{
    std::string name;
    std::string source; ///< the text of the file; "" when only the name is known
    std::string recordedUtc;
    std::vector<TrialId> trials; ///< all it asked for, recorded or not
};

/// What happened, for the jobs dock and for diagnosis.
struct EventRecord
{
    std::string timeUtc;
    std::string level; ///< "info", "warn", "error"
    std::string kind;  ///< "worker_lost", "trial_finished", ...
    std::string trial; ///< hex id or ""
    std::string text;
};

} // namespace paretoscope::core
