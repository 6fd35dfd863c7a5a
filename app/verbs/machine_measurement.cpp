// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/machine_measurement.h"

#include "app/verbs/evaluation_session.h"
#include "app/verbs/measured_text.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/project/machine_record.h"
#include "core/project/project_store.h"
#include "core/project/timestamp.h"
#include "roofline/measured/machine_files.h"

#include <filesystem>

namespace paretoscope::app {

namespace {

namespace fs = std::filesystem;
using core::Json;
using roofline::MachineProfile;
using roofline::MeasuredPoints;

core::MachineRecord recordOf(const MachineProfile& profile, const MeasuredPoints& points)
{
    core::MachineRecord record {.name = profile.name, .profile = profile.json(), .recordedUtc = profile.measuredUtc};
    for (const roofline::LayerPoint& point : points.parts) {
        const roofline::MeasuredStep& step = profile.model->steps[point.step];
        record.parts.push_back({.phase = step.isPrefill ? "prefill" : "decode",
                                .operation = point.part,
                                .settings = {{"model", profile.model->name},
                                             {"model_sha256", profile.model->sha256},
                                             {"batch", step.batch},
                                             {"tokens", step.tokens},
                                             {"threads", profile.threads},
                                             {"operations", point.operations},
                                             {"predicted_seconds", point.calibratedSeconds}},
                                .operations = point.flops,
                                .memoryBytes = point.bytes,
                                .bound = std::string(roofline::boundName(point.bound)),
                                .seconds = point.measuredSeconds});
    }
    return record;
}

} // namespace

void MachineMeasurement::declare(OptionTable& options)
{
    options.flag(
        "--measure", m_isWanted,
        "Measures this machine in place of predicting: its ceilings and, with MODEL, the operations and steps of "
        "that model, to which predictions are calibrated. --device says which device: cpu (default), cuda:0.");
    options.flag("--quick", m_isQuick, "With --measure: smaller and fewer measurements, about half a minute.");
    options.text("--name", "NAME", m_name, "With --measure: what the machine profile is called.").defaultText = m_name;
    options.text("--out", "FILE", m_out, "With --measure: also writes the machine profile to this file.").kind =
        ValueKind::File;
    options
        .text("--project", "PROJECT", m_project,
              "With --measure: keeps the machine profile in this project; else: also knows its devices and machine "
              "profiles.")
        .kind = ValueKind::Project;
    OptionSpec& threads =
        options.integer("--threads", "N", m_threads, {0, 4096}, "With --measure: threads; 0 = all cores.");
    threads.setting = "threads";
    threads.defaultText = "0";
    m_progress.declare(options);
}

Outcome MachineMeasurement::run(const std::string& model, const std::string& device, Session& session) const
{
    if (const core::Status name = roofline::checkProfileName(m_name); !name.ok())
        return {name.error(), ErrorSource::Arguments};
    jobs::WorkerSettings settings;
    settings.threads = m_threads;
    settings.device = device.empty() ? "cpu" : device;
    if (const auto devices = jobs::parseDevices(settings.device); !devices.ok())
        return {devices.error(), ErrorSource::Arguments};
    const auto program = jobs::workerProgram({});
    if (!program.ok())
        return {program.error(), ErrorSource::Installation};
    settings.program = program.value();
    Json request {{"quick", m_isQuick}, {"model", nullptr}};
    if (!model.empty()) {
        PSC_ASSIGN(const fs::path path, core::resolveModel(model));
        std::error_code ignored;
        request["model"] = fs::absolute(path, ignored).string();
    }
    session.console.note(m_isQuick ? "measuring this machine; leave it alone for half a minute"
                                   : "measuring this machine; leave it alone for some minutes");
    EvaluationSession work(settings, m_progress.mode(), session);
    const core::Result<Json> document = work.run("measure", request);
    if (work.killedBy())
        return Outcome::killedBy(*work.killedBy());
    if (!document.ok())
        return {document.error(), ErrorSource::Work};
    PSC_ASSIGN(MachineProfile profile, MachineProfile::fromMeasurement(document.value(), m_name, core::utcTimestamp()));
    MeasuredPoints points;
    if (profile.model) {
        PSC_ASSIGN(points, roofline::calibrateProfile(profile, session.installation.architectures()));
    }
    PSC_TRY(keep(profile, points, session));
    const std::vector<std::string> remarks = roofline::remarksOn(profile, points);
    if (session.common.json) {
        session.console.document(measurementJson(profile, points, remarks));
        return ExitStatus::Done;
    }
    session.console.write(measurementText(profile, points, session.console.outStream()));
    for (const std::string& remark : remarks)
        session.console.note(remark);
    return ExitStatus::Done;
}

core::Status MachineMeasurement::keep(const MachineProfile& profile, const MeasuredPoints& points,
                                      Session& session) const
{
    if (m_out.empty() && m_project.empty()) {
        PSC_ASSIGN(const fs::path file, roofline::keepMachineProfile(profile, roofline::machineFolder()));
        session.console.note("the machine profile is kept as " + file.string() + "; use it with --hardware " +
                             profile.name);
        return core::success();
    }
    if (!m_out.empty())
        PSC_TRY(core::writeFileAtomically(m_out, core::canonicalJson(profile.json()) + "\n"));
    if (m_project.empty())
        return core::success();
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(m_project, core::OpenMode::Create));
    return store.recordMachine(recordOf(profile, points));
}

} // namespace paretoscope::app
