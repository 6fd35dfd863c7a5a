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

Json anything(JsonFields& fields, std::string_view name)
{
    const Json* value = fields.find(name);
    return value ? *value : Json();
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
    stage.given = anything(fields, "given");
    if (!stage.given.is_object())
        stage.given = Json::object();
    PSC_ASSIGN(stage.needsCalibration, fields.optional<bool>("needs_calibration", false));
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
    return identity;
}

Result<MetricSpec> metricSpecFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "workload.evaluate"));
    MetricSpec metric;
    PSC_ASSIGN(metric.name, fields.required<std::string>("name"));
    metric.options = anything(fields, "options");
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

Result<int> indexFromJson(const Json& json)
{
    const Json wrapped {{"index", json}};
    PSC_ASSIGN(JsonFields fields, JsonFields::of(wrapped, "trial request: measurements"));
    return fields.required<int>("index");
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
    return {{"id", request.id.hex()},
            {"workload", toJson(request.workload)},
            {"identity", toJson(request.identity)},
            {"pipeline", completePipeline(request.pipeline)},
            {"seed", request.seed},
            {"measurements", request.measurements},
            {"attempt", request.attempt}};
}

Result<TrialRequest> trialRequestFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "trial request"));
    TrialRequest request;
    PSC_ASSIGN(request.id.digest, requiredDigest(fields, "id"));
    PSC_ASSIGN(request.workload, workloadSpecFromJson(anything(fields, "workload")));
    PSC_ASSIGN(request.identity, workloadIdentityFromJson(anything(fields, "identity")));
    PSC_ASSIGN(request.pipeline, pipelineFromJson(anything(fields, "pipeline")));
    PSC_ASSIGN(request.seed, fields.required<std::uint64_t>("seed"));
    PSC_ASSIGN(request.measurements, readList<int>(fields, "measurements", indexFromJson));
    PSC_ASSIGN(request.attempt, fields.optional<int>("attempt", 1));
    for (const int index : request.measurements) {
        if (index < 0 || static_cast<std::size_t>(index) >= request.workload.evaluate.size())
            return fields.error("measurements", std::to_string(index) + " is no index into workload.evaluate");
    }
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
    metric.details = anything(fields, "details");
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
    return {{"metrics", std::move(metrics)},
            {"layer_metrics", std::move(layerMetrics)},
            {"seconds", outcome.seconds},
            {"provenance", outcome.provenance}};
}

Result<TrialOutcome> trialOutcomeFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "trial outcome"));
    TrialOutcome outcome;
    PSC_ASSIGN(outcome.metrics, readList<MetricRecord>(fields, "metrics", metricRecordFromJson));
    PSC_ASSIGN(outcome.layerMetrics, readList<LayerMetricRecord>(fields, "layer_metrics", layerMetricFromJson));
    PSC_ASSIGN(outcome.seconds, fields.required<double>("seconds"));
    outcome.provenance = anything(fields, "provenance");
    return outcome;
}

} // namespace paretoscope::core
