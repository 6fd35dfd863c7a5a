// SPDX-License-Identifier: Apache-2.0
#include "jobs/trial_report.h"

#include "core/accounting/stored_model.h"
#include "core/checkpoint/checkpoint.h"
#include "core/sweep/trial_identity.h"
#include "jobs/slurm/job_environment.h"

#include <QDateTime>
#include <QSysInfo>

namespace paretoscope::jobs {

namespace {

using core::Json;
using core::TrialRecord;
using core::TrialStatus;

Json lines(const QStringList& log)
{
    Json texts = Json::array();
    for (const QString& line : log)
        texts.push_back(line.toStdString());
    return texts;
}

Json hashesOf(const core::WorkloadIdentity& identity)
{
    Json hashes {{"model", identity.model.hex()}, {"tokenizer", identity.tokenizer.hex()}};
    if (identity.calibrationCorpus)
        hashes["calibration_corpus"] = identity.calibrationCorpus->hex();
    for (const core::Sha256Digest& digest : identity.dataDigests)
        hashes["data"].push_back(digest.hex());
    for (const auto& [path, digest] : identity.models)
        hashes["models"][digest.hex()] = path;
    return hashes;
}

} // namespace

std::string utcNow()
{
    return QDateTime::currentDateTimeUtc().toString(Qt::ISODateWithMs).toStdString();
}

Json toJson(const WorkerLoss& loss)
{
    return {{"kind", lossKindName(loss.kind)}, {"message", loss.error.message}, {"log_tail", lines(loss.log)}};
}

TrialReporter::TrialReporter(const core::Sweep& sweep, const core::WorkloadIdentity& identity, std::string command)
    : m_workload(sweep.workload)
    , m_identity(identity)
    , m_sweep(sweep.name)
    , m_command(std::move(command))
    , m_host(QSysInfo::machineHostName().toStdString())
    , m_slurm(slurmProvenance())
{}

core::WorkloadRecord TrialReporter::workload() const
{
    core::WorkloadRecord record;
    record.name = m_workload.model.filename().string();
    record.kind = m_workload.kind;
    record.modelPath = m_workload.model.string();
    record.modelSha256 = m_identity.model.hex();
    record.tokenizerSha256 = m_identity.tokenizer.hex();
    record.description = core::toJson(m_workload);
    if (const auto checkpoint = core::openCheckpoint(m_workload.model); checkpoint.ok()) {
        record.storedBytes = checkpoint.value()->storedBytes().value;
        record.description[core::kModelConfigKey] = checkpoint.value()->config();
        for (const core::TensorInfo& tensor : checkpoint.value()->tensors())
            record.parameters += tensor.elements();
    }
    return record;
}

TrialRecord TrialReporter::queued(const core::PlannedTrial& trial) const
{
    TrialRecord record;
    record.id = trial.id;
    record.workload = m_workload.model.filename().string();
    record.sweep = m_sweep;
    record.label = trial.pipeline.label();
    record.pipeline = core::identifiedPipeline(trial.pipeline, m_identity);
    record.seed = trial.seed;
    return record;
}

TrialRecord TrialReporter::running(const core::PlannedTrial& trial, const TrialCourse& course) const
{
    TrialRecord record = queued(trial);
    record.status = TrialStatus::Running;
    record.startedUtc = course.startedUtc;
    record.attempts = course.attemptsBefore + course.attempts;
    record.provenance = provenance(course);
    record.provenance["identity"] = core::trialIdentity(m_workload, m_identity, trial.pipeline, trial.seed);
    return record;
}

TrialRecord TrialReporter::done(const core::PlannedTrial& trial, const TrialCourse& course,
                                core::TrialOutcome outcome) const
{
    TrialRecord record = running(trial, course);
    record.status = TrialStatus::Done;
    record.seconds = outcome.seconds;
    record.finishedUtc = utcNow();
    record.metrics = std::move(outcome.metrics);
    record.layerMetrics = std::move(outcome.layerMetrics);
    record.artifacts = std::move(outcome.artifacts);
    if (outcome.provenance.is_object()) { // the worker knows better what it ran on
        Json merged = std::move(record.provenance);
        merged.update(outcome.provenance, true);
        record.provenance = std::move(merged);
    }
    record.provenance["finished"] = record.finishedUtc;
    return record;
}

TrialRecord TrialReporter::ended(const core::PlannedTrial& trial, const TrialCourse& course, TrialStatus status,
                                 const core::Error& error, double seconds) const
{
    TrialRecord record = running(trial, course);
    record.status = status;
    record.seconds = seconds;
    record.finishedUtc = utcNow();
    record.error = error;
    record.provenance["finished"] = record.finishedUtc;
    if (!course.log.is_null())
        record.provenance["log_tail"] = course.log;
    return record;
}

Json TrialReporter::provenance(const TrialCourse& course) const
{
    Json json {{"command", m_command},
               {"versions",
                {{"paretoscope", PARETOSCOPE_VERSION},
                 {"worker", course.hello.build},
                 {"libtorch", course.hello.libtorch},
                 {"engine_numerics", core::kEngineNumericsVersion}}},
               {"hashes", hashesOf(m_identity)},
               {"workload", core::toJson(m_workload)},
               {"protocols", m_identity.protocolIds},
               {"device", course.hello.device},
               {"threads", course.hello.threads},
               {"worker", {{"number", course.worker}, {"pid", course.hello.pid}, {"device", course.device}}},
               {"host", m_host},
               {"started", course.startedUtc},
               {"attempt", course.attemptsBefore + course.attempts}};
    if (course.expectedSeconds)
        json["estimated_seconds"] = *course.expectedSeconds;
    if (!m_slurm.is_null())
        json["slurm"] = m_slurm;
    if (m_identity.leak)
        json["calibrated_on_evaluation_data"] = true;
    if (!course.losses.empty())
        json["losses"] = course.losses;
    return json;
}

} // namespace paretoscope::jobs
