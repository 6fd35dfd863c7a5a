// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/device_record.h"
#include "core/project/machine_record.h"
#include "core/project/published_point.h"
#include "core/project/records.h"
#include "views/selection/trial_set.h"

#include <QString>
#include <QStringList>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::views {

/// A metric that occurs in a project.
struct MetricSummary
{
    std::string name;
    std::string unit;
    bool minimise = true;
    std::vector<std::string> protocols; ///< in order of appearance; {""} for metrics that need none
    bool operator==(const MetricSummary&) const = default;
};

/// A project at one moment. Immutable and shared: read off the GUI thread, shown by all views. Trials come without
/// layer metrics and provenance, and without the details of metrics other than the stored size; the inspector asks for
/// one complete trial.
struct ProjectSnapshot
{
    std::filesystem::path path;
    std::int64_t version = 0;              ///< ProjectStore::dataVersion()
    std::vector<core::TrialRecord> trials; ///< in order of insertion
    std::vector<core::WorkloadRecord> workloads;
    std::vector<core::EventRecord> events;     ///< oldest first
    std::vector<core::MachineRecord> machines; ///< profiles that were measured
    std::vector<core::DeviceRecord> devices;   ///< that users described
    std::vector<core::PublishedPoint> published;
    TrialMap<int> rows;                                ///< index into `trials`
    std::vector<std::optional<std::size_t>> baselines; ///< core::baselinesOf(trials)
    std::vector<MetricSummary> metrics;                ///< by importance
    QStringList methods;                               ///< in order of first appearance, which decides colour and shape
    std::vector<int> methodOfRow;                      ///< index into `methods`, parallel to `trials`

    const core::TrialRecord* find(const core::TrialId& id) const;
    const core::TrialRecord* baseline(std::size_t row) const; ///< of that trial, maybe itself; null when there is none
    const MetricSummary* metric(std::string_view name) const;
    const core::WorkloadRecord* workload(std::string_view name) const;
};

using SnapshotPtr = std::shared_ptr<const ProjectSnapshot>;

/// Takes records as they come from the store, drops what views do not show and builds the indices.
SnapshotPtr makeSnapshot(ProjectSnapshot records);

/// The measurement of `name` under `protocol` that has a value; nullptr when there is none.
const core::MetricRecord* measurement(const core::TrialRecord& trial, std::string_view name, std::string_view protocol);

/// Whether a view has to show the trial anew.
bool differs(const core::TrialRecord& before, const core::TrialRecord& after);

} // namespace paretoscope::views
