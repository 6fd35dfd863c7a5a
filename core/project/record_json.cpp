// SPDX-License-Identifier: Apache-2.0
#include "core/project/record_json.h"

#include "core/base/json_fields.h"
#include "core/sweep/trial_exchange.h"

namespace paretoscope::core {

namespace {

Result<TrialId> trialIdIn(JsonFields& fields, std::string_view name)
{
    PSC_ASSIGN(const std::string hex, fields.required<std::string>(name));
    const Result<TrialId> id = TrialId::fromHex(hex);
    return id.ok() ? id : Result<TrialId>(fields.error(name, "is no trial id"));
}

Result<std::optional<Error>> errorIn(JsonFields& fields)
{
    const Json* json = fields.find("error");
    if (!json || json->is_null())
        return std::optional<Error>();
    PSC_ASSIGN(JsonFields error, JsonFields::of(*json, "error"));
    Error read;
    PSC_ASSIGN(const std::string code, error.required<std::string>("code"));
    read.code = errorCodeFromName(code);
    PSC_ASSIGN(read.message, error.required<std::string>("message"));
    PSC_ASSIGN(read.hint, error.optional<std::string>("hint", ""));
    return std::optional(read);
}

} // namespace

Json toJson(const TrialRecord& trial)
{
    Json json {{"id", trial.id.hex()},
               {"workload", trial.workload},
               {"sweep", trial.sweep},
               {"label", trial.label},
               {"pipeline", trial.pipeline},
               {"seed", trial.seed},
               {"status", trialStatusName(trial.status)},
               {"started", trial.startedUtc},
               {"finished", trial.finishedUtc},
               {"attempts", trial.attempts},
               {"tags", trial.tags},
               {"outcome", toJson(TrialOutcome {trial.metrics, trial.layerMetrics, trial.artifacts, trial.seconds,
                                                trial.provenance})}};
    if (trial.error)
        json["error"] = {
            {"code", errorCodeName(trial.error->code)}, {"message", trial.error->message}, {"hint", trial.error->hint}};
    return json;
}

Result<TrialRecord> trialRecordFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "trial"));
    TrialRecord trial;
    PSC_ASSIGN(trial.id, trialIdIn(fields, "id"));
    PSC_ASSIGN(trial.workload, fields.optional<std::string>("workload", ""));
    PSC_ASSIGN(trial.sweep, fields.optional<std::string>("sweep", ""));
    PSC_ASSIGN(trial.label, fields.required<std::string>("label"));
    trial.pipeline = fields.anything("pipeline");
    PSC_ASSIGN(trial.seed, fields.required<std::uint64_t>("seed"));
    PSC_ASSIGN(const std::string status, fields.required<std::string>("status"));
    const auto known = trialStatusFromName(status);
    if (!known)
        return fields.error("status", shownValue(status) + " is none");
    trial.status = *known;
    PSC_ASSIGN(trial.startedUtc, fields.optional<std::string>("started", ""));
    PSC_ASSIGN(trial.finishedUtc, fields.optional<std::string>("finished", ""));
    PSC_ASSIGN(trial.attempts, fields.optional<int>("attempts", 0));
    PSC_ASSIGN(trial.tags, fields.texts("tags"));
    PSC_ASSIGN(trial.error, errorIn(fields));
    PSC_ASSIGN(TrialOutcome outcome, trialOutcomeFromJson(fields.anything("outcome")));
    trial.metrics = std::move(outcome.metrics);
    trial.layerMetrics = std::move(outcome.layerMetrics);
    trial.artifacts = std::move(outcome.artifacts);
    trial.seconds = outcome.seconds;
    trial.provenance = std::move(outcome.provenance);
    return trial;
}

Json toJson(const WorkloadRecord& workload)
{
    return {{"name", workload.name},
            {"kind", workload.kind},
            {"model_path", workload.modelPath},
            {"model_sha256", workload.modelSha256},
            {"tokenizer_sha256", workload.tokenizerSha256},
            {"parameters", workload.parameters},
            {"stored_bytes", workload.storedBytes},
            {"description", workload.description}};
}

Result<WorkloadRecord> workloadRecordFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "workload"));
    WorkloadRecord workload;
    PSC_ASSIGN(workload.name, fields.required<std::string>("name"));
    PSC_ASSIGN(workload.kind, fields.optional<std::string>("kind", ""));
    PSC_ASSIGN(workload.modelPath, fields.optional<std::string>("model_path", ""));
    PSC_ASSIGN(workload.modelSha256, fields.optional<std::string>("model_sha256", ""));
    PSC_ASSIGN(workload.tokenizerSha256, fields.optional<std::string>("tokenizer_sha256", ""));
    PSC_ASSIGN(workload.parameters, fields.optional<std::int64_t>("parameters", 0));
    PSC_ASSIGN(workload.storedBytes, fields.optional<std::int64_t>("stored_bytes", 0));
    workload.description = fields.anything("description");
    return workload;
}

Json toJson(const SweepRecord& sweep)
{
    Json trials = Json::array();
    for (const TrialId& id : sweep.trials)
        trials.push_back(id.hex());
    return {{"name", sweep.name}, {"source", sweep.source}, {"trials", std::move(trials)}};
}

Result<SweepRecord> sweepRecordFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "sweep"));
    SweepRecord sweep;
    PSC_ASSIGN(sweep.name, fields.required<std::string>("name"));
    PSC_ASSIGN(sweep.source, fields.optional<std::string>("source", ""));
    PSC_ASSIGN(const std::vector<std::string> trials, fields.texts("trials"));
    for (const std::string& hex : trials) {
        const Result<TrialId> id = TrialId::fromHex(hex);
        if (!id.ok())
            return fields.error("trials", shownValue(hex) + " is no trial id");
        sweep.trials.push_back(id.value());
    }
    return sweep;
}

Json toJson(const EventRecord& event)
{
    return {{"time", event.timeUtc},
            {"level", event.level},
            {"kind", event.kind},
            {"trial", event.trial},
            {"text", event.text}};
}

Result<EventRecord> eventRecordFromJson(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "event"));
    EventRecord event;
    PSC_ASSIGN(event.timeUtc, fields.required<std::string>("time"));
    PSC_ASSIGN(event.level, fields.required<std::string>("level"));
    PSC_ASSIGN(event.kind, fields.required<std::string>("kind"));
    PSC_ASSIGN(event.trial, fields.optional<std::string>("trial", ""));
    PSC_ASSIGN(event.text, fields.required<std::string>("text"));
    return event;
}

} // namespace paretoscope::core
