// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_report.h"

#include "app/format/number.h"
#include "app/format/objective.h"
#include "app/format/text.h"
#include "app/format/time.h"
#include "app/format/trial_columns.h"
#include "app/format/trial_json.h"

#include <algorithm>
#include <map>
#include <set>

namespace paretoscope::app {

namespace {

constexpr std::size_t kTrialsShown = 60; ///< of a larger sweep only the front is printed

/// The front of the first two objectives; empty when the sweep has no two or they were not measured.
std::set<core::TrialId> frontMembers(const SweepReport& report)
{
    std::set<core::TrialId> members;
    if (report.objectives.size() < 2)
        return members;
    const auto y = resolveObjective(report.trials, report.objectives[0]);
    const auto x = resolveObjective(report.trials, report.objectives[1]);
    if (!x.ok() || !y.ok())
        return members;
    for (const TrialFront::Point& point : frontOfTrials(report.trials, x.value(), y.value()).points)
        members.insert(report.trials[point.trial].id);
    return members;
}

/// Trials that failed for one and the same reason are told once.
void printFailures(const SweepReport& report, Console& console)
{
    std::map<std::string, std::vector<std::string>> labels;
    for (const core::TrialRecord& trial : report.trials) {
        if (trial.status == core::TrialStatus::Failed)
            labels[trial.error ? trial.error->sentence() : "no reason is recorded"].push_back(trial.label);
    }
    for (const auto& [reason, names] : labels) {
        const std::string others =
            names.size() > 1 ? " and " + counted(static_cast<std::int64_t>(names.size()) - 1, "other trial") : "";
        console.note(Console::styled("failed: ", Emphasis::Bad, console.errStream()) +
                     printable(names.front() + others) + ": " + printable(reason));
    }
}

std::string summaryText(const SweepReport& report)
{
    const jobs::SweepSummary& summary = report.summary;
    const int remaining = summary.total - summary.skipped - summary.held;
    if (remaining == 0 && !summary.error) {
        std::string text =
            "nothing to do: " + report.project + " holds " +
            (summary.held == 0 ? (summary.total == 1 ? "the trial" : "all " + counted(summary.total, "trial"))
                               : std::to_string(summary.skipped) + " of " + counted(summary.total, "trial"));
        if (summary.held > 0)
            text += "; " + std::to_string(summary.held) + " failed or interrupted earlier (--retry failed tries again)";
        return text;
    }
    std::string text = counted(summary.total, "trial") + ": " + std::to_string(summary.done) + " done";
    const auto add = [&](int count, const char* what) {
        if (count > 0)
            text += ", " + std::to_string(count) + what;
    };
    add(summary.skipped, " there before");
    add(summary.failed, " failed");
    add(summary.interrupted, " not finished");
    add(summary.held, " failed or interrupted earlier (see --retry)");
    add(summary.left, " left (--max-trials)");
    text += ", in " + duration(summary.wallSeconds);
    if (summary.stopped)
        text += "; stopped, the same command goes on";
    return text;
}

} // namespace

core::Json summaryJson(const jobs::SweepSummary& summary)
{
    return {{"total", summary.total},   {"done", summary.done},       {"skipped", summary.skipped},
            {"failed", summary.failed}, {"held", summary.held},       {"interrupted", summary.interrupted},
            {"left", summary.left},     {"stopped", summary.stopped}, {"wall_seconds", summary.wallSeconds}};
}

core::Json reportJson(const SweepReport& report)
{
    core::Json json = summaryJson(report.summary);
    json["schema"] = "paretoscope.run/1";
    json["sweep"] = report.sweep;
    json["project"] = report.project;
    const std::set<core::TrialId> front = frontMembers(report);
    json["trials"] = core::Json::array();
    for (const core::TrialRecord& trial : report.trials) {
        core::Json entry {{"id", trial.id.hex()},
                          {"pipeline", trial.label},
                          {"status", core::trialStatusName(trial.status)},
                          {"seconds", trial.seconds},
                          {"on_front", front.count(trial.id) > 0},
                          {"metrics", metricValuesJson(trial)}};
        if (trial.error)
            entry["error"] = errorJson(*trial.error);
        json["trials"].push_back(std::move(entry));
    }
    return json;
}

void printReport(const SweepReport& report, Console& console)
{
    const std::set<core::TrialId> front = frontMembers(report);
    std::vector<core::TrialRecord> shown = report.trials;
    std::erase_if(shown, [](const core::TrialRecord& trial) {
        return trial.status != core::TrialStatus::Done && trial.status != core::TrialStatus::Failed;
    });
    const std::size_t ended = shown.size();
    if (ended > kTrialsShown)
        std::erase_if(shown, [&](const core::TrialRecord& trial) { return front.count(trial.id) == 0; });
    if (!shown.empty()) {
        std::vector<std::string> columns = usualColumns(shown);
        std::erase(columns, "id");
        const bool allDone = std::all_of(shown.begin(), shown.end(), [](const core::TrialRecord& trial) {
            return trial.status == core::TrialStatus::Done;
        });
        if (allDone)
            std::erase(columns, "status");
        console.write(trialTable(shown, columns, front).text(console.outStream()));
    }
    printFailures(report, console);
    std::string text = summaryText(report);
    if (!front.empty())
        text += "; * = on the front";
    if (shown.size() < ended)
        text += " (\"paretoscope list\" shows all trials)";
    console.note(text);
}

void tellTrial(const core::TrialRecord& trial, Console& console)
{
    if (trial.status == core::TrialStatus::Failed) {
        const std::string reason = trial.error ? trial.error->message : std::string("no reason is recorded");
        console.note(Console::styled("failed: ", Emphasis::Bad, console.errStream()) + printable(trial.label) + ": " +
                     printable(reason));
    } else if (trial.status == core::TrialStatus::Done) {
        std::string line = "done: " + printable(trial.label) + ", " + duration(trial.seconds);
        for (const core::MetricRecord& metric : trial.metrics) {
            if (!metric.protocol.empty())
                line += ", " + metric.name + " " + withError(metric.value, metric.standardError);
        }
        console.detail(line);
    }
}

core::Json trialEventFields(const core::TrialRecord& trial)
{
    core::Json fields {{"trial", trial.id.hex()},
                       {"pipeline", trial.label},
                       {"status", core::trialStatusName(trial.status)},
                       {"seconds", trial.seconds},
                       {"metrics", metricValuesJson(trial)}};
    if (trial.error)
        fields["error"] = errorJson(*trial.error);
    return fields;
}

core::Json eventJson(const std::string& event, core::Json fields)
{
    fields["schema"] = "paretoscope.event/1";
    fields["event"] = event;
    fields["time"] = utcNow();
    return fields;
}

} // namespace paretoscope::app
