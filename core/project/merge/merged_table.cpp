// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/merged_table.h"

#include <array>

namespace paretoscope::core {

namespace {

using enum MergeRule;

constexpr std::array kModel {MergedColumn {"name"},
                             MergedColumn {"sha256"},
                             MergedColumn {"tokenizer_sha256"},
                             MergedColumn {"path", Largest},
                             MergedColumn {"parameters", Largest},
                             MergedColumn {"stored_bytes", Largest},
                             MergedColumn {"description", Largest}};

constexpr std::array kDataSet {MergedColumn {"name"},           MergedColumn {"sha256"},
                               MergedColumn {"path", Largest},  MergedColumn {"bytes", Largest},
                               MergedColumn {"items", Largest}, MergedColumn {"description", Largest}};

constexpr std::array kWorkload {MergedColumn {"name"}, MergedColumn {"model_id", Key, "model"},
                                MergedColumn {"kind", Largest}, MergedColumn {"description", Largest},
                                MergedColumn {"recorded_utc", Smallest}};

constexpr std::array kWorkloadDataSet {MergedColumn {"workload_id", Key, "workload"}, MergedColumn {"role"},
                                       MergedColumn {"data_set_id", Key, "data_set"}, MergedColumn {"options"}};

constexpr std::array kPipeline {MergedColumn {"sha256"}, MergedColumn {"stages", Largest}};

constexpr std::array kStage {MergedColumn {"pipeline_id", Key, "pipeline"}, MergedColumn {"position"},
                             MergedColumn {"plugin", Whole}, MergedColumn {"version", Whole},
                             MergedColumn {"parameters", Whole}};

constexpr std::array kSweep {MergedColumn {"name"}, MergedColumn {"source"}, MergedColumn {"recorded_utc", Smallest},
                             MergedColumn {"search_state", Largest}};

constexpr std::array kSweepTrial {MergedColumn {"sweep_id", Key, "sweep"}, MergedColumn {"trial_hash"}};

constexpr std::array kTrial {MergedColumn {"hash"},
                             MergedColumn {"workload_id", Largest, "workload"},
                             MergedColumn {"sweep_id", Largest, "sweep"},
                             MergedColumn {"pipeline_id", Largest, "pipeline"},
                             MergedColumn {"label", Largest},
                             MergedColumn {"seed", Largest},
                             MergedColumn {"status", OfTrial},
                             MergedColumn {"attempts", Largest},
                             MergedColumn {"recorded_utc", Smallest},
                             MergedColumn {"deleted_utc", Deleted}};

// A run is known by its start; what is told of it grows until it ends, and a shared copy tells less. Rows without a
// start come from tables, whose provenance names file and line.
constexpr std::array kAttempt {
    MergedColumn {"trial_id", Key, "trial"},
    MergedColumn {"started_utc"},
    MergedColumn {"origin", Key, {}, "CASE WHEN started_utc = '' THEN coalesce(provenance, '') ELSE '' END"},
    MergedColumn {"finished_utc", Whole},
    MergedColumn {"outcome", Whole},
    MergedColumn {"seconds", Whole},
    MergedColumn {"error_code", Whole},
    MergedColumn {"error_message", Whole},
    MergedColumn {"error_hint", Whole},
    MergedColumn {"provenance", Whole}};
constexpr std::array<std::string_view, 2> kAttemptOrder {"started_utc", "finished_utc"};

constexpr std::array kMetric {MergedColumn {"name"},     MergedColumn {"unit"},   MergedColumn {"minimise"},
                              MergedColumn {"protocol"}, MergedColumn {"device"}, MergedColumn {"dtype"},
                              MergedColumn {"threads"},  MergedColumn {"build"}};

// Every value that a run gave is kept: those within the tolerance confirm each other, the others are a conflict.
constexpr std::array kTrialMetric {MergedColumn {"trial_id", Key, "trial"},
                                   MergedColumn {"metric_id", Key, "metric"},
                                   MergedColumn {"attempt_id", Key, "attempt"},
                                   MergedColumn {"value"},
                                   MergedColumn {"standard_error", Whole},
                                   MergedColumn {"n", Whole},
                                   MergedColumn {"details", Whole},
                                   MergedColumn {"confirmations", Largest}};
constexpr std::array<std::string_view, 1> kTrialMetricOrder {"attempt_id"};

constexpr std::array kLayerQuantity {MergedColumn {"module"}, MergedColumn {"layer"}, MergedColumn {"name"}};

constexpr std::array kLayerMetric {MergedColumn {"trial_id", Key, "trial"},
                                   MergedColumn {"quantity_id", Key, "layer_quantity"},
                                   MergedColumn {"value", Largest}};

constexpr std::array kArtifact {
    MergedColumn {"sha256"},
    MergedColumn {"kind", Whole},
    MergedColumn {"media_type", Whole},
    MergedColumn {"bytes", Whole},
    MergedColumn {"state", OfArtifact},
    MergedColumn {"recorded_utc", Smallest},
    MergedColumn {"description", Largest},
    MergedColumn {"chunks", Largest, {}, "(SELECT count(*) FROM artifact_chunk c WHERE c.artifact_id = artifact.id)"}};

constexpr std::array kTrialArtifact {MergedColumn {"trial_id", Key, "trial"}, MergedColumn {"role"},
                                     MergedColumn {"artifact_id", Largest, "artifact"}};

constexpr std::array kActivationProfile {MergedColumn {"workload_id", Key, "workload"},
                                         MergedColumn {"trial_id", Key, "trial"},
                                         MergedColumn {"kind"},
                                         MergedColumn {"protocol"},
                                         MergedColumn {"device"},
                                         MergedColumn {"dtype"},
                                         MergedColumn {"build"},
                                         MergedColumn {"layers"},
                                         MergedColumn {"experts"},
                                         MergedColumn {"tokens"},
                                         MergedColumn {"maxima"},
                                         MergedColumn {"routed_tokens"},
                                         MergedColumn {"summary"},
                                         MergedColumn {"recorded_utc", Smallest}};

constexpr std::array kMarkerResult {MergedColumn {"series"},
                                    MergedColumn {"data_set_id", Key, "data_set"},
                                    MergedColumn {"style"},
                                    MergedColumn {"split"},
                                    MergedColumn {"item"},
                                    MergedColumn {"jpeg_quality"},
                                    MergedColumn {"repeat"},
                                    MergedColumn {"conditions"},
                                    MergedColumn {"workload_id", Largest, "workload"},
                                    MergedColumn {"trial_id", Largest, "trial"},
                                    MergedColumn {"answer", Whole},
                                    MergedColumn {"parsed", Whole},
                                    MergedColumn {"correct", Whole},
                                    MergedColumn {"seconds", Whole},
                                    MergedColumn {"prompt_tokens", Whole},
                                    MergedColumn {"recorded_utc", Smallest}};

constexpr std::array kRooflinePoint {MergedColumn {"workload_id", Key, "workload"},
                                     MergedColumn {"trial_id", Key, "trial"},
                                     MergedColumn {"hardware"},
                                     MergedColumn {"mode"},
                                     MergedColumn {"phase"},
                                     MergedColumn {"operation"},
                                     MergedColumn {"settings"},
                                     MergedColumn {"operations"},
                                     MergedColumn {"memory_bytes"},
                                     MergedColumn {"operations_per_second"},
                                     MergedColumn {"bound"},
                                     MergedColumn {"seconds"},
                                     MergedColumn {"measured"},
                                     MergedColumn {"recorded_utc", Smallest}};

constexpr std::array kEvent {MergedColumn {"time_utc"}, MergedColumn {"level"}, MergedColumn {"kind"},
                             MergedColumn {"trial"}, MergedColumn {"text"}};

constexpr std::array kNote {MergedColumn {"trial_id", Key, "trial"}, MergedColumn {"created_utc"},
                            MergedColumn {"changed_utc", Whole}, MergedColumn {"text", Whole}};

constexpr std::array kTag {MergedColumn {"trial_id", Key, "trial"}, MergedColumn {"name"}};

constexpr std::array kViewState {MergedColumn {"workspace"}, MergedColumn {"view"}, MergedColumn {"changed_utc", Whole},
                                 MergedColumn {"state", Whole}};

constexpr std::array kPublishedPoint {MergedColumn {"method"},
                                      MergedColumn {"model"},
                                      MergedColumn {"data_set"},
                                      MergedColumn {"metric"},
                                      MergedColumn {"value"},
                                      MergedColumn {"unit"},
                                      MergedColumn {"x_metric"},
                                      MergedColumn {"x_value"},
                                      MergedColumn {"conditions"},
                                      MergedColumn {"source"},
                                      MergedColumn {"url"},
                                      MergedColumn {"confidence"},
                                      MergedColumn {"recorded_utc", Smallest}};

constexpr std::array kTables {
    MergedTable {"model", kModel},
    MergedTable {"data_set", kDataSet},
    MergedTable {"workload", kWorkload},
    MergedTable {"workload_data_set", kWorkloadDataSet, false, "position", 0, 2},
    MergedTable {"pipeline", kPipeline},
    MergedTable {"stage", kStage, false},
    MergedTable {"sweep", kSweep},
    MergedTable {"sweep_trial", kSweepTrial, false, "position", 0, 1},
    MergedTable {"trial", kTrial},
    MergedTable {"attempt", kAttempt, true, "number", 1, 1, kAttemptOrder},
    MergedTable {"metric", kMetric},
    MergedTable {"trial_metric", kTrialMetric, true, "replicate", 0, 2, kTrialMetricOrder},
    MergedTable {"layer_quantity", kLayerQuantity},
    MergedTable {"layer_metric", kLayerMetric, false},
    MergedTable {"artifact", kArtifact},
    MergedTable {"trial_artifact", kTrialArtifact, false},
    MergedTable {"activation_profile", kActivationProfile},
    MergedTable {"marker_result", kMarkerResult},
    MergedTable {"roofline_point", kRooflinePoint},
    MergedTable {"event", kEvent},
    MergedTable {"note", kNote},
    MergedTable {"tag", kTag, false},
    MergedTable {"view_state", kViewState, false},
    MergedTable {"published_point", kPublishedPoint},
};

} // namespace

std::span<const MergedTable> mergedTables()
{
    return kTables;
}

} // namespace paretoscope::core
