// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/text.h"
#include "app/format/trial_json.h"
#include "app/format/trial_text.h"
#include "app/verbs/project_argument.h"

#include <algorithm>
#include <array>
#include <map>

namespace paretoscope::app {

namespace {

constexpr std::array kStatuses {core::TrialStatus::Done, core::TrialStatus::Failed, core::TrialStatus::Interrupted,
                                core::TrialStatus::Running, core::TrialStatus::Queued};

using Counts = std::map<core::TrialStatus, std::int64_t>;

struct Contents
{
    std::vector<core::TrialRecord> trials;
    std::vector<core::WorkloadRecord> workloads;
    std::vector<core::SweepRecord> sweeps;
    std::vector<core::EventRecord> events;
};

core::Result<Contents> read(const core::ProjectStore& project)
{
    Contents contents;
    PSC_ASSIGN(contents.trials, project.trials());
    PSC_ASSIGN(contents.workloads, project.workloads());
    PSC_ASSIGN(contents.sweeps, project.sweeps());
    PSC_ASSIGN(contents.events, project.events(20));
    return contents;
}

Counts countsOf(const std::vector<core::TrialRecord>& trials)
{
    Counts counts;
    for (const core::TrialRecord& trial : trials)
        ++counts[trial.status];
    return counts;
}

/// Trials that a sweep asked for but nobody recorded yet count as queued.
Counts countsOf(const core::SweepRecord& sweep, const std::vector<core::TrialRecord>& trials)
{
    std::map<core::TrialId, core::TrialStatus> statuses;
    for (const core::TrialRecord& trial : trials)
        statuses[trial.id] = trial.status;
    Counts counts;
    for (const core::TrialId& id : sweep.trials) {
        const auto found = statuses.find(id);
        ++counts[found == statuses.end() ? core::TrialStatus::Queued : found->second];
    }
    return counts;
}

core::Json countsJson(const Counts& counts)
{
    core::Json json = core::Json::object();
    std::int64_t total = 0;
    for (const core::TrialStatus status : kStatuses) {
        const auto found = counts.find(status);
        const std::int64_t count = found == counts.end() ? 0 : found->second;
        json[std::string(core::trialStatusName(status))] = count;
        total += count;
    }
    json["total"] = total;
    return json;
}

std::string countsText(const Counts& counts)
{
    std::string parts;
    std::int64_t total = 0;
    for (const core::TrialStatus status : kStatuses) {
        const auto found = counts.find(status);
        if (found == counts.end())
            continue;
        total += found->second;
        parts += (parts.empty() ? "" : ", ") + grouped(found->second) + " " + std::string(trialStatusName(status));
    }
    return grouped(total) + (parts.empty() ? "" : " (" + parts + ")");
}

core::Json document(const Contents& contents, const std::string& path)
{
    core::Json json {
        {"schema", "paretoscope.status/1"}, {"project", path}, {"trials", countsJson(countsOf(contents.trials))}};
    json["workloads"] = core::Json::array();
    for (const core::WorkloadRecord& workload : contents.workloads)
        json["workloads"].push_back({{"name", workload.name},
                                     {"kind", workload.kind},
                                     {"model", workload.modelPath},
                                     {"model_sha256", workload.modelSha256},
                                     {"tokenizer_sha256", workload.tokenizerSha256},
                                     {"parameters", workload.parameters},
                                     {"stored_bytes", workload.storedBytes},
                                     {"description", workload.description}});
    json["sweeps"] = core::Json::array();
    for (const core::SweepRecord& sweep : contents.sweeps)
        json["sweeps"].push_back({{"name", sweep.name},
                                  {"recorded", sweep.recordedUtc},
                                  {"trials", countsJson(countsOf(sweep, contents.trials))}});
    json["running"] = core::Json::array();
    json["failed"] = core::Json::array();
    for (const core::TrialRecord& trial : contents.trials) {
        core::Json entry {{"id", trial.id.hex()}, {"pipeline", trial.label}};
        if (trial.status == core::TrialStatus::Running) {
            entry["started"] = trial.startedUtc;
            json["running"].push_back(std::move(entry));
        } else if (trial.status == core::TrialStatus::Failed) {
            entry["error"] = trial.error ? errorJson(*trial.error) : core::Json(nullptr);
            json["failed"].push_back(std::move(entry));
        }
    }
    json["events"] = core::Json::array();
    for (const core::EventRecord& event : contents.events)
        json["events"].push_back({{"time", event.timeUtc},
                                  {"level", event.level},
                                  {"kind", event.kind},
                                  {"trial", event.trial},
                                  {"text", event.text}});
    return json;
}

void print(const Contents& contents, const std::string& path, Console& console)
{
    std::string text = labelled("project", path);
    for (const core::WorkloadRecord& workload : contents.workloads)
        text += labelled("workload", workload.name + " (" + workload.kind + ", " + grouped(workload.parameters) +
                                         " parameters, " + decimalBytes(workload.storedBytes) + ")");
    text += labelled("trials", countsText(countsOf(contents.trials)));
    for (const core::SweepRecord& sweep : contents.sweeps)
        text += labelled("sweep", sweep.name + ", trials: " + countsText(countsOf(sweep, contents.trials)));
    for (const core::TrialRecord& trial : contents.trials) {
        if (trial.status == core::TrialStatus::Running)
            text += labelled("running", trial.label + " since " + trial.startedUtc);
    }
    for (const core::TrialRecord& trial : contents.trials) {
        if (trial.status == core::TrialStatus::Failed)
            text += labelled("failed", trial.label + (trial.error ? ": " + trial.error->sentence() : ""));
    }
    console.write(text);
    for (const core::EventRecord& event : contents.events)
        console.detail(printable(event.timeUtc + " " + event.level + " " + event.text));
}

class StatusVerb : public Verb
{
public:
    void declare(OptionTable& options) override { m_project.declare(options); }

    Outcome run(Session& session) override
    {
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        const auto contents = read(project.value());
        if (!contents.ok())
            return {contents.error(), ErrorSource::Project};
        if (session.common.json)
            session.console.document(document(contents.value(), m_project.path()));
        else
            print(contents.value(), m_project.path(), session.console);
        return ExitStatus::Done;
    }

private:
    ProjectArgument m_project;
};

} // namespace

VerbEntry statusVerb()
{
    return {.name = "status",
            .summary = "tell how far a project is",
            .usage = "PROJECT",
            .description = "Tells what a project holds: workloads, sweeps, how many trials are done, running, failed "
                           "and why. Works while a sweep is running; -v adds the newest events.",
            .make = makeVerb<StatusVerb>};
}

} // namespace paretoscope::app
