// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/snapshot/project_snapshot.h"

#include "views/format/metric_text.h"
#include "views/selection/trial_filter.h"

#include "core/evaluation/baselines.h"

#include <QHash>

#include <algorithm>

namespace paretoscope::views {

namespace {

std::vector<MetricSummary> summarise(const std::vector<core::TrialRecord>& trials)
{
    std::vector<MetricSummary> metrics;
    for (const core::TrialRecord& trial : trials) {
        for (const core::MetricRecord& record : trial.metrics) {
            auto found = std::find_if(metrics.begin(), metrics.end(),
                                      [&](const MetricSummary& metric) { return metric.name == record.name; });
            if (found == metrics.end())
                found = metrics.insert(found, {record.name, record.unit, record.minimise, {}});
            if (std::find(found->protocols.begin(), found->protocols.end(), record.protocol) == found->protocols.end())
                found->protocols.push_back(record.protocol);
        }
    }
    std::stable_sort(metrics.begin(), metrics.end(), [](const MetricSummary& a, const MetricSummary& b) {
        return metricText(a.name).rank < metricText(b.name).rank;
    });
    return metrics;
}

/// What filters ask of the provenance.
core::Json familyOnly(const core::Json& provenance)
{
    if (!provenance.is_object() || !provenance.contains("family"))
        return nullptr;
    return {{"family", provenance["family"]}};
}

} // namespace

const core::TrialRecord* ProjectSnapshot::find(const core::TrialId& id) const
{
    const auto row = rows.find(id);
    return row == rows.end() ? nullptr : &trials[std::size_t(row->second)];
}

const core::TrialRecord* ProjectSnapshot::baseline(std::size_t row) const
{
    return baselines.at(row) ? &trials[*baselines[row]] : nullptr;
}

const MetricSummary* ProjectSnapshot::metric(std::string_view name) const
{
    const auto found = std::find_if(metrics.begin(), metrics.end(),
                                    [&](const MetricSummary& candidate) { return candidate.name == name; });
    return found == metrics.end() ? nullptr : &*found;
}

const core::WorkloadRecord* ProjectSnapshot::workload(std::string_view name) const
{
    const auto found = std::find_if(workloads.begin(), workloads.end(),
                                    [&](const core::WorkloadRecord& candidate) { return candidate.name == name; });
    return found == workloads.end() ? nullptr : &*found;
}

SnapshotPtr makeSnapshot(ProjectSnapshot records)
{
    int row = 0;
    records.baselines = core::baselinesOf(records.trials);
    for (core::TrialRecord& trial : records.trials) {
        trial.provenance = familyOnly(trial.provenance);
        trial.layerMetrics.clear();
        for (core::MetricRecord& metric : trial.metrics) {
            if (metric.name != "stored_bytes") // predictions start from how the tensors are stored
                metric.details = nullptr;
        }
        records.rows.emplace(trial.id, row++);
    }
    records.metrics = summarise(records.trials);
    QHash<QString, int> indices;
    for (const core::TrialRecord& trial : records.trials) {
        const QString method = methodOf(trial);
        if (!indices.contains(method)) {
            indices.insert(method, int(records.methods.size()));
            records.methods << method;
        }
        records.methodOfRow.push_back(indices.value(method));
    }
    return std::make_shared<const ProjectSnapshot>(std::move(records));
}

const core::MetricRecord* measurement(const core::TrialRecord& trial, std::string_view name, std::string_view protocol)
{
    const auto found = std::find_if(trial.metrics.begin(), trial.metrics.end(), [&](const core::MetricRecord& metric) {
        return metric.name == name && metric.protocol == protocol && metric.value;
    });
    return found == trial.metrics.end() ? nullptr : &*found;
}

bool differs(const core::TrialRecord& before, const core::TrialRecord& after)
{
    const auto sameMetric = [](const core::MetricRecord& a, const core::MetricRecord& b) {
        return a.name == b.name && a.value == b.value && a.standardError == b.standardError && a.protocol == b.protocol;
    };
    return before.status != after.status || before.attempts != after.attempts || before.seconds != after.seconds ||
           before.startedUtc != after.startedUtc || before.finishedUtc != after.finishedUtc ||
           before.label != after.label || before.tags != after.tags || before.error != after.error ||
           !std::equal(before.metrics.begin(), before.metrics.end(), after.metrics.begin(), after.metrics.end(),
                       sameMetric);
}

} // namespace paretoscope::views
