// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/trial_json.h"

#include "core/base/optional_json.h"
#include "core/evaluation/paired_measurement.h"

namespace paretoscope::app {

namespace {

using core::Json;

/// Adds `value` under the metric's name, or under name@protocol when another protocol has the name already.
void addMetric(Json& metrics, const core::MetricRecord& metric, Json value)
{
    const bool taken = metrics.contains(metric.name);
    metrics[taken ? metric.name + "@" + metric.protocol : metric.name] = std::move(value);
}

Json metricJson(const core::MetricRecord& metric)
{
    return {{"value", core::orNull(metric.value)},
            {"standard_error", core::orNull(metric.standardError)},
            {"n", metric.n},
            {"unit", metric.unit},
            {"minimise", metric.minimise},
            {"protocol", metric.protocol},
            {"device", metric.device},
            {"dtype", metric.dtype},
            {"threads", metric.threads},
            {"confirmations", metric.confirmations}};
}

/// Per metric that pairs with one of `other`, how far it is from it.
Json comparedJson(const core::TrialRecord& trial, const core::TrialRecord& other)
{
    Json compared = Json::object();
    for (const core::MetricRecord& metric : trial.metrics) {
        if (const auto paired = core::compareWith(other, metric))
            addMetric(compared, metric, core::toJson(*paired));
    }
    return compared;
}

} // namespace

Json metricValuesJson(const core::TrialRecord& trial)
{
    Json metrics = Json::object();
    for (const core::MetricRecord& metric : trial.metrics)
        addMetric(metrics, metric, core::orNull(metric.value));
    return metrics;
}

Json metricsJson(const core::TrialRecord& trial)
{
    Json metrics = Json::object();
    for (const core::MetricRecord& metric : trial.metrics)
        addMetric(metrics, metric, metricJson(metric));
    return metrics;
}

Json errorJson(const core::Error& error)
{
    return {{"code", core::errorCodeName(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

Json trialJson(const core::TrialRecord& trial)
{
    Json json {{"id", trial.id.hex()},
               {"workload", trial.workload},
               {"sweep", trial.sweep},
               {"pipeline", trial.label},
               {"stages", trial.pipeline.is_array() ? trial.pipeline : Json::array()},
               {"seed", trial.seed},
               {"status", core::trialStatusName(trial.status)},
               {"seconds", trial.seconds},
               {"tags", trial.tags},
               {"metrics", metricsJson(trial)}};
    if (trial.error)
        json["error"] = errorJson(*trial.error);
    return json;
}

Json trialDetailJson(const core::TrialRecord& trial, const core::TrialRecord* baseline, const core::TrialRecord* other)
{
    Json json = trialJson(trial);
    json["started"] = trial.startedUtc;
    json["finished"] = trial.finishedUtc;
    json["attempts"] = trial.attempts;
    json["provenance"] = trial.provenance;
    Json details = Json::object();
    for (const core::MetricRecord& metric : trial.metrics) {
        if (!metric.details.is_null())
            addMetric(details, metric, metric.details);
    }
    json["metric_details"] = details;
    if (baseline) {
        json["baseline"] = baseline->id.hex();
        json["against_baseline"] = comparedJson(trial, *baseline);
    }
    if (other) {
        json["other"] = other->id.hex();
        json["against_other"] = comparedJson(trial, *other);
    }
    Json layers = Json::array();
    for (const core::LayerMetricRecord& metric : trial.layerMetrics)
        layers.push_back({{"module", metric.module},
                          {"layer", metric.layer},
                          {"name", metric.name},
                          {"value", core::orNull(metric.value)}});
    json["layer_metrics"] = layers;
    return json;
}

} // namespace paretoscope::app
