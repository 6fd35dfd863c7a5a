// SPDX-License-Identifier: Apache-2.0
// What a project holds after a sweep, for tests that compare two of them.
#pragma once

#include "core/project/database.h"
#include "core/project/project_store.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace paretoscope::tests {

using Results = std::map<std::string, core::Json>; ///< metrics by id of the finished trials; memory is none

inline Results resultsIn(const std::string& project)
{
    Results results;
    const auto store = core::ProjectStore::open(project, core::OpenMode::ReadOnly);
    if (!store.ok())
        return results;
    const std::vector<core::TrialRecord> trials = store.value().trials().value();
    for (const core::TrialRecord& trial : trials) {
        if (trial.status != core::TrialStatus::Done)
            continue;
        core::Json metrics = core::Json::array();
        for (const core::MetricRecord& metric : trial.metrics) {
            if (metric.name != "peak_memory_bytes")
                metrics.push_back({metric.name, metric.protocol, metric.value.value_or(-1)});
        }
        results[trial.id.hex()] = std::move(metrics);
    }
    return results;
}

/// How many events of a kind ("worker_lost", ...) a project tells; 0 where there is none.
inline int eventsIn(const std::string& project, const std::string& kind)
{
    const auto store = core::ProjectStore::open(project, core::OpenMode::ReadOnly);
    if (!store.ok())
        return 0;
    const std::vector<core::EventRecord> events = store.value().events().value();
    return static_cast<int>(std::count_if(events.begin(), events.end(),
                                          [&](const core::EventRecord& event) { return event.kind == kind; }));
}

/// "ok"
inline std::string integrityOf(const std::string& project)
{
    auto database = core::Database::open(project, core::Database::Access::ReadOnly);
    return database.ok() ? database.value().text("PRAGMA integrity_check").value() : database.error().sentence();
}

} // namespace paretoscope::tests
