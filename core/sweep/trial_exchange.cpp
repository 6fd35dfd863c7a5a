// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/trial_exchange.h"

#include "core/base/json_fields.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::core {

namespace {

/// Numbers that JSON does not know are left out; `flags` in the details say which they were.
Json finiteOrNull(const std::optional<double>& value)
{
    return value && std::isfinite(*value) ? Json(*value) : Json();
}

std::string_view nonFiniteName(double value)
{
    if (std::isnan(value))
        return "nan";
    return value > 0 ? "inf" : "-inf";
}

/// `details` with the name of a value that is not finite added to its list "flags".
Json flaggedDetails(const Json& details, const std::optional<double>& value)
{
    if (!value || std::isfinite(*value))
        return details;
    Json flagged = details.is_object() ? details : Json::object();
    Json& flags = flagged["flags"];
    if (!flags.is_array())
        flags = Json::array();
    const Json name = nonFiniteName(*value);
    if (std::find(flags.begin(), flags.end(), name) == flags.end())
        flags.push_back(name);
    return flagged;
}

Result<std::optional<double>> optionalNumber(JsonFields& fields, std::string_view name)
{
    const Json* value = fields.find(name);
    if (!value || value->is_null())
        return std::optional<double>();
    PSC_ASSIGN(const double number, fields.required<double>(name));
    return std::optional(number);
}

Result<Sha256Digest> requiredDigest(JsonFields& fields, std::string_view name)
{
    PSC_ASSIGN(const std::string hex, fields.required<std::string>(name));
    const Result<Sha256Digest> digest = Sha256Digest::fromHex(hex);
    if (!digest.ok())
        return fields.error(name, shownValue(hex) + " is not a SHA-256 digest of 64 hexadecimal digits");
    return digest;
}

/// Reads every element of the list `name`; a missing list is empty.
template <typename T, typename Read>
Result<std::vector<T>> readList(JsonFields& fields, std::string_view name, const Read& read)
{
    const Json* list = fields.find(name);
    if (!list)
        return std::vector<T> {};
    if (!list->is_array())
        return fields.error(name, shownValue(*list) + " is not a list");
    std::vector<T> values;
    for (const Json& item : *list) {
        PSC_ASSIGN(T value, read(item));
        values.push_back(std::move(value));
    }
    return values;
}

Json stageToJson(const StageSpec& stage)
{
    return {{"plugin", stage.plugin}, {"version", stage.version}, {"parameters", stage.parameters}};
}

Result<StageSpec> stageFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "stage"));
    StageSpec stage;
    PSC_ASSIGN(stage.plugin, fields.required<std::string>("plugin"));
    PSC_ASSIGN(stage.version, fields.required<std::string>("version"));
    const Json* parameters = fields.find("parameters");
    if (!parameters || !parameters->is_object())
        return fields.error("parameters", "is not an object");
    stage.parameters = *parameters;
    stage.given = fields.anything("given");
    if (!stage.given.is_object())
        stage.given = Json::object();
    PSC_ASSIGN(stage.needsCalibration, fields.optional<bool>("needs_calibration", false));
    PSC_ASSIGN(stage.models, fields.texts("models"));
    PSC_ASSIGN(stage.cuts, fields.texts("cuts"));
    return stage;
}

/// Beside what identifies the stages also what only labels and scheduling need.
Json completePipeline(const Pipeline& pipeline)
{
    Json stages = Json::array();
    for (const StageSpec& stage : pipeline.stages) {
        Json json = stageToJson(stage);
        json["given"] = stage.given;
        json["needs_calibration"] = stage.needsCalibration;
        json["models"] = stage.models;
        json["cuts"] = stage.cuts;
        stages.push_back(std::move(json));
    }
    return stages;
}

Json toJson(const WorkloadIdentity& identity)
{
    Json digests = Json::array();
    for (const Sha256Digest& digest : identity.dataDigests)
        digests.push_back(digest.hex());
    Json json {{"model", identity.model.hex()},
               {"tokenizer", identity.tokenizer.hex()},
               {"protocols", identity.protocolIds},
               {"data", std::move(digests)},
               {"leak", identity.leak}};
    for (const auto& [path, digest] : identity.models)
        json["models"][path] = digest.hex();
    if (identity.calibrationCorpus)
        json["calibration_corpus"] = identity.calibrationCorpus->hex();
    return json;
}

Result<WorkloadIdentity> workloadIdentityFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "identity"));
    WorkloadIdentity identity;
    PSC_ASSIGN(identity.model, requiredDigest(fields, "model"));
    PSC_ASSIGN(identity.tokenizer, requiredDigest(fields, "tokenizer"));
    if (fields.find("calibration_corpus")) {
        PSC_ASSIGN(identity.calibrationCorpus, requiredDigest(fields, "calibration_corpus"));
    }
    PSC_ASSIGN(identity.protocolIds, fields.texts("protocols"));
    PSC_ASSIGN(const std::vector<std::string> digests, fields.texts("data"));
    for (const std::string& hex : digests) {
        PSC_ASSIGN(const Sha256Digest digest, Sha256Digest::fromHex(hex));
        identity.dataDigests.push_back(digest);
    }
    PSC_ASSIGN(identity.leak, fields.optional<bool>("leak", false));
    const Json models = fields.anything("models");
    for (const auto& [path, digest] : models.items()) {
        if (!digest.is_string())
            return fields.error("models", shownValue(digest) + " is not a SHA-256 digest");
        PSC_ASSIGN(identity.models[path], Sha256Digest::fromHex(digest.get<std::string>()));
    }
    return identity;
}

Result<MetricSpec> metricSpecFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "workload.evaluate"));
    MetricSpec metric;
    PSC_ASSIGN(metric.name, fields.required<std::string>("name"));
    metric.options = fields.anything("options");
    return metric;
}

Json toJson(const LayerMetricRecord& metric)
{
    return {{"module", metric.module},
            {"layer", metric.layer},
            {"name", metric.name},
            {"value", finiteOrNull(metric.value)}};
}

Result<LayerMetricRecord> layerMetricFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "layer metric"));
    LayerMetricRecord metric;
    PSC_ASSIGN(metric.module, fields.required<std::string>("module"));
    PSC_ASSIGN(metric.layer, fields.optional<int>("layer", -1));
    PSC_ASSIGN(metric.name, fields.required<std::string>("name"));
    PSC_ASSIGN(metric.value, optionalNumber(fields, "value"));
    return metric;
}

Json toJson(const ArtifactRecord& artifact)
{
    return {{"role", artifact.role},     {"kind", artifact.kind},   {"media_type", artifact.mediaType},
            {"sha256", artifact.sha256}, {"bytes", artifact.bytes}, {"description", artifact.description}};
}

Result<ArtifactRecord> artifactFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "artifact"));
    ArtifactRecord artifact;
    PSC_ASSIGN(artifact.role, fields.required<std::string>("role"));
    PSC_ASSIGN(artifact.kind, fields.required<std::string>("kind"));
    PSC_ASSIGN(artifact.mediaType, fields.optional<std::string>("media_type", ""));
    PSC_ASSIGN(const Sha256Digest digest, requiredDigest(fields, "sha256")); // it becomes the name of a file
    artifact.sha256 = digest.hex();
    PSC_ASSIGN(artifact.bytes, fields.required<std::int64_t>("bytes"));
    artifact.description = fields.anything("description");
    return artifact;
}

Result<KeptModel> keptModelFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "kept model"));
    KeptModel kept;
    PSC_ASSIGN(kept.file, fields.required<std::string>("file"));
    PSC_ASSIGN(kept.digest, requiredDigest(fields, "sha256"));
    return kept;
}

Result<std::vector<int>> readNumbers(JsonFields& fields, std::string_view name)
{
    return readList<int>(fields, name, [&](const Json& json) -> Result<int> {
        const Json wrapped {{"index", json}};
        PSC_ASSIGN(JsonFields number, JsonFields::of(wrapped, "trial request: " + std::string(name)));
        return number.required<int>("index");
    });
}

} // namespace

Json toJson(const Pipeline& pipeline)
{
    Json stages = Json::array();
    for (const StageSpec& stage : pipeline.stages)
        stages.push_back(stageToJson(stage));
    return stages;
}

Result<Pipeline> pipelineFromJson(const Json& json)
{
    const Json wrapped {{"pipeline", json}};
    PSC_ASSIGN(JsonFields fields, JsonFields::of(wrapped, "trial"));
    Pipeline pipeline;
    PSC_ASSIGN(pipeline.stages, readList<StageSpec>(fields, "pipeline", stageFromJson));
    return pipeline;
}

Json toJson(const WorkloadSpec& workload)
{
    Json evaluate = Json::array();
    for (const MetricSpec& metric : workload.evaluate)
        evaluate.push_back({{"name", metric.name}, {"options", metric.options}});
    Json json {{"kind", workload.kind}, {"model", workload.model.string()}, {"evaluate", std::move(evaluate)}};
    if (workload.calibration)
        json["calibration"] = workload.calibration->toJson();
    return json;
}

Result<WorkloadSpec> workloadSpecFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "workload"));
    WorkloadSpec workload;
    PSC_ASSIGN(workload.kind, fields.required<std::string>("kind"));
    PSC_ASSIGN(workload.model, fields.required<std::string>("model"));
    if (const Json* calibration = fields.find("calibration"); calibration && !calibration->is_null()) {
        PSC_ASSIGN(workload.calibration, CalibrationSpec::fromJson(*calibration));
    }
    PSC_ASSIGN(workload.evaluate, readList<MetricSpec>(fields, "evaluate", metricSpecFromJson));
    return workload;
}

Json toJson(const TrialRequest& request)
{
    Json json {{"id", request.id.hex()},
               {"workload", toJson(request.workload)},
               {"identity", toJson(request.identity)},
               {"pipeline", completePipeline(request.pipeline)},
               {"seed", request.seed},
               {"measurements", request.measurements},
               {"attempt", request.attempt},
               {"artifacts", request.artifacts.string()},
               {"artifact_limit", request.artifactLimit.value},
               {"shared_beginnings", request.sharedBeginnings}};
    if (request.kept)
        json["kept"] = {{"file", request.kept->file.string()}, {"sha256", request.kept->digest.hex()}};
    return json;
}

Result<TrialRequest> trialRequestFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "trial request"));
    TrialRequest request;
    PSC_ASSIGN(request.id.digest, requiredDigest(fields, "id"));
    PSC_ASSIGN(request.workload, workloadSpecFromJson(fields.anything("workload")));
    PSC_ASSIGN(request.identity, workloadIdentityFromJson(fields.anything("identity")));
    PSC_ASSIGN(request.pipeline, pipelineFromJson(fields.anything("pipeline")));
    PSC_ASSIGN(request.seed, fields.required<std::uint64_t>("seed"));
    PSC_ASSIGN(request.measurements, readNumbers(fields, "measurements"));
    PSC_ASSIGN(request.attempt, fields.optional<int>("attempt", 1));
    PSC_ASSIGN(request.artifacts, fields.optional<std::string>("artifacts", ""));
    PSC_ASSIGN(request.artifactLimit.value, fields.optional<std::int64_t>("artifact_limit", 0));
    if (const Json* kept = fields.find("kept")) {
        PSC_ASSIGN(request.kept, keptModelFromJson(*kept));
    }
    PSC_ASSIGN(request.sharedBeginnings, readNumbers(fields, "shared_beginnings"));
    for (const int index : request.measurements) {
        if (index < 0 || static_cast<std::size_t>(index) >= request.workload.evaluate.size())
            return fields.error("measurements", std::to_string(index) + " is no index into workload.evaluate");
    }
    for (const int steps : request.sharedBeginnings) {
        if (steps < 1 || static_cast<std::size_t>(steps) > request.pipeline.steps().size())
            return fields.error("shared_beginnings",
                                "the pipeline has no beginning of " + std::to_string(steps) + " steps");
    }
    return request;
}

Json toJson(const ExportRequest& request)
{
    return {{"trial", toJson(request.trial)},
            {"format", request.format},
            {"parameters", request.parameters},
            {"folder", request.folder.string()}};
}

Result<ExportRequest> exportRequestFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "export request"));
    ExportRequest request;
    PSC_ASSIGN(request.trial, trialRequestFromJson(fields.anything("trial")));
    PSC_ASSIGN(request.format, fields.required<std::string>("format"));
    request.parameters = fields.anything("parameters");
    PSC_ASSIGN(request.folder, fields.required<std::string>("folder"));
    return request;
}

Json toJson(const MetricRecord& metric)
{
    return {{"name", metric.name},
            {"value", finiteOrNull(metric.value)},
            {"standard_error", finiteOrNull(metric.standardError)},
            {"n", metric.n},
            {"unit", metric.unit},
            {"minimise", metric.minimise},
            {"protocol", metric.protocol},
            {"device", metric.device},
            {"dtype", metric.dtype},
            {"threads", metric.threads},
            {"build", metric.build},
            {"details", flaggedDetails(metric.details, metric.value)}};
}

Result<MetricRecord> metricRecordFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "metric"));
    MetricRecord metric;
    PSC_ASSIGN(metric.name, fields.required<std::string>("name"));
    PSC_ASSIGN(metric.value, optionalNumber(fields, "value"));
    PSC_ASSIGN(metric.standardError, optionalNumber(fields, "standard_error"));
    PSC_ASSIGN(metric.n, fields.optional<std::int64_t>("n", 0));
    PSC_ASSIGN(metric.unit, fields.optional<std::string>("unit", ""));
    PSC_ASSIGN(metric.minimise, fields.optional<bool>("minimise", true));
    PSC_ASSIGN(metric.protocol, fields.optional<std::string>("protocol", ""));
    PSC_ASSIGN(metric.device, fields.optional<std::string>("device", ""));
    PSC_ASSIGN(metric.dtype, fields.optional<std::string>("dtype", ""));
    PSC_ASSIGN(metric.threads, fields.optional<int>("threads", 0));
    PSC_ASSIGN(metric.build, fields.optional<std::string>("build", ""));
    metric.details = fields.anything("details");
    return metric;
}

Json toJson(const TrialOutcome& outcome)
{
    Json metrics = Json::array();
    for (const MetricRecord& metric : outcome.metrics)
        metrics.push_back(toJson(metric));
    Json layerMetrics = Json::array();
    for (const LayerMetricRecord& metric : outcome.layerMetrics)
        layerMetrics.push_back(toJson(metric));
    Json artifacts = Json::array();
    for (const ArtifactRecord& artifact : outcome.artifacts)
        artifacts.push_back(toJson(artifact));
    return {{"metrics", std::move(metrics)},
            {"layer_metrics", std::move(layerMetrics)},
            {"artifacts", std::move(artifacts)},
            {"seconds", outcome.seconds},
            {"provenance", outcome.provenance}};
}

Result<TrialOutcome> trialOutcomeFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "trial outcome"));
    TrialOutcome outcome;
    PSC_ASSIGN(outcome.metrics, readList<MetricRecord>(fields, "metrics", metricRecordFromJson));
    PSC_ASSIGN(outcome.layerMetrics, readList<LayerMetricRecord>(fields, "layer_metrics", layerMetricFromJson));
    PSC_ASSIGN(outcome.artifacts, readList<ArtifactRecord>(fields, "artifacts", artifactFromJson));
    PSC_ASSIGN(outcome.seconds, fields.required<double>("seconds"));
    outcome.provenance = fields.anything("provenance");
    return outcome;
}

} // namespace paretoscope::core
