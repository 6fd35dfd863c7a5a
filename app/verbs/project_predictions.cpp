// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/project_predictions.h"

#include "app/format/number.h"
#include "app/format/trial_columns.h"
#include "app/verbs/prediction_report.h"
#include "app/verbs/project_argument.h"
#include "app/verbs/step_text.h"
#include "core/base/optional_json.h"
#include "core/project/roofline_point.h"
#include "roofline/hardware/hardware_json.h"
#include "roofline/trial/trial_predictor.h"

#include <filesystem>

namespace paretoscope::app {

namespace {

using core::Error;
using core::ErrorCode;

/// What is asked of every trial; how its weights are stored is its own.
core::Json loadOf(const RooflineRequest& request)
{
    core::Json load = settingsJson(request);
    load.erase("weight_bits");
    load.erase("weight_format");
    load.erase("sparsity");
    load.erase("rank");
    return load;
}

/// A trial and what came of its prediction.
struct Predicted
{
    core::TrialRecord trial;
    core::Result<roofline::GenerationPrediction> prediction;
    std::vector<std::string> remarks;
    std::string inputs; ///< digest of all that the prediction is made of
};

/// Predicts trials under one request.
class TrialReports
{
public:
    TrialReports(const RooflineRequest& request, const roofline::HardwareSpec& hardware,
                 const std::vector<core::WorkloadRecord>& workloads, const std::filesystem::path& families)
        : m_request(request)
        , m_predictor(workloads, families)
    {
        m_whatIf.hardware = hardware;
        m_whatIf.request = request.load();
        m_whatIf.efficiency = request.efficiency;
    }

    /// What `roofline` computes with for one trial. Errors: those of TrialPredictor and of the options.
    core::Result<RooflineInputs> inputsOf(const core::TrialRecord& trial)
    {
        PSC_ASSIGN(roofline::CompressedModel model, m_predictor.modelOf(trial));
        RooflineInputs inputs;
        inputs.model = trial.label + " of " + trial.workload;
        inputs.trial = trial.id.hex();
        inputs.remarks = roofline::remarksOn(model, m_whatIf);
        inputs.storedBytes = model.storedBytes;
        PSC_ASSIGN(inputs.execution, executionOf(m_request));
        inputs.execution.embeddingWeights = model.execution.embeddingWeights;
        inputs.execution.headWeights = model.execution.headWeights;
        PSC_ASSIGN(inputs.efficiency, efficiencyOf(m_request));
        inputs.shape = std::move(model.shape);
        return inputs;
    }

    Predicted predict(core::TrialRecord trial)
    {
        core::Result<RooflineInputs> inputs = inputsOf(trial);
        if (!inputs.ok())
            return {std::move(trial), inputs.error(), {}, {}};
        const core::Result<std::string> digest = m_predictor.inputsDigest(trial, m_whatIf.hardware, loadOf(m_request));
        return {std::move(trial), predict(inputs.value()), inputs.value().remarks, digest.ok() ? digest.value() : ""};
    }

private:
    core::Result<roofline::GenerationPrediction> predict(const RooflineInputs& inputs) const
    {
        PSC_ASSIGN(PredictedAnswer answer, predictAnswer(m_request, inputs, m_whatIf.hardware));
        return std::move(answer.prediction);
    }

    const RooflineRequest& m_request;
    roofline::WhatIf m_whatIf;
    roofline::TrialPredictor m_predictor;
};

core::Json trialJson(const Predicted& predicted, const RooflineRequest& request)
{
    core::Json json {{"id", predicted.trial.id.hex()}, {"pipeline", predicted.trial.label}};
    if (!predicted.prediction.ok()) {
        const Error& error = predicted.prediction.error();
        json["error"] = {{"code", core::errorCodeName(error.code)}, {"message", error.message}, {"hint", error.hint}};
        return json;
    }
    const roofline::GenerationPrediction& p = predicted.prediction.value();
    json["results"] = {{"time_to_first_token_seconds", p.timeToFirstToken},
                       {"time_per_output_token_seconds", p.timePerOutputToken},
                       {"total_seconds", p.totalSeconds},
                       {"tokens_per_second", p.tokensPerSecond},
                       {"joules_per_token", core::orNull(roofline::joulesPerToken(p, request.load()))},
                       {"weight_bytes", p.memory.weights},
                       {"memory_bytes", p.memory.total()},
                       {"fits", p.fits ? core::Json(*p.fits) : core::Json(nullptr)}};
    json["remarks"] = predicted.remarks;
    json["inputs_sha256"] = predicted.inputs;
    return json;
}

TextTable tableOf(const std::vector<Predicted>& all, const RooflineRequest& request)
{
    TextTable table({{"id", false, false, true},
                     {"pipeline", false, true},
                     {"first token", true},
                     {"per token", true},
                     {"tokens/s", true},
                     {"J/token", true, false, true},
                     {"memory", true},
                     {"fits", false, false, true}});
    std::vector<core::TrialRecord> trials;
    for (const Predicted& predicted : all)
        trials.push_back(predicted.trial);
    const std::size_t idLength = distinctIdLength(trials);
    for (const Predicted& predicted : all) {
        if (!predicted.prediction.ok())
            continue;
        const roofline::GenerationPrediction& p = predicted.prediction.value();
        table.addRow({cellText(predicted.trial, "id", idLength), predicted.trial.label, shortTime(p.timeToFirstToken),
                      shortTime(p.timePerOutputToken), significant(p.tokensPerSecond),
                      significant(roofline::joulesPerToken(p, request.load())), scaled(p.memory.total(), "B"),
                      !p.fits   ? "-"
                      : *p.fits ? "yes"
                                : "no"});
    }
    return table;
}

void printRemarks(const std::vector<Predicted>& all, Console& console)
{
    std::vector<std::string> told;
    const auto tell = [&](const std::string& label, const std::string& text) {
        if (std::find(told.begin(), told.end(), text) != told.end())
            return;
        told.push_back(text);
        console.note(label + ": " + text);
    };
    for (const Predicted& predicted : all) {
        if (!predicted.prediction.ok())
            tell(predicted.trial.label, predicted.prediction.error().sentence());
        for (const std::string& remark : predicted.remarks)
            tell(predicted.trial.label, remark);
    }
}

core::RooflinePoint pointOf(const Predicted& predicted, const char* phase, const roofline::StepPrediction& step,
                            double seconds)
{
    core::RooflinePoint point;
    point.trial = predicted.trial.id;
    point.phase = phase;
    point.operation = "total";
    point.operations = step.flops;
    point.memoryBytes = step.bytes;
    point.operationsPerSecond = step.flops / step.seconds;
    point.bound = roofline::boundName(step.bound());
    point.seconds = seconds;
    return point;
}

/// Two points per trial: the prefill, and a decode step with the mean time of all.
std::vector<core::RooflinePoint> pointsOf(const std::vector<Predicted>& all, const RooflineRequest& request,
                                          const roofline::HardwareSpec& hardware)
{
    std::vector<core::RooflinePoint> points;
    for (const Predicted& predicted : all) {
        if (!predicted.prediction.ok())
            continue;
        const roofline::GenerationPrediction& p = predicted.prediction.value();
        points.push_back(pointOf(predicted, "prefill", p.prefill, p.timeToFirstToken));
        points.push_back(pointOf(predicted, "decode", p.decode, p.timePerOutputToken));
        for (auto point = points.end() - 2; point != points.end(); ++point) {
            point->hardware = hardware.name;
            point->mode = request.mode;
            point->settings = {{"load", loadOf(request)},
                               {"inputs_sha256", predicted.inputs},
                               {"need_bytes", p.memory.total()},
                               {"joules_per_token", core::orNull(roofline::joulesPerToken(p, request.load()))}};
        }
    }
    return points;
}

core::Status record(const std::string& path, const std::vector<core::RooflinePoint>& points, Console& console)
{
    PSC_ASSIGN(core::ProjectStore project, core::ProjectStore::open(path, core::OpenMode::ReadWrite));
    PSC_ASSIGN(const int recorded, project.recordPredictions(points));
    console.note(recorded > 0 ? counted(recorded, "prediction") + " recorded"
                              : std::string("all predictions were recorded before"));
    return core::success();
}

} // namespace

void ProjectPredictions::declare(OptionTable& options)
{
    options.list("--trial", "TRIAL", m_trials,
                 "Of a project only this trial: the first digits of its id, or its pipeline; repeatable.");
    declareWhere(options, m_where);
    options.flag("--record", m_record,
                 "Keep the predictions of the trials in the project, with a hash of all they are made of.");
}

bool ProjectPredictions::isProject(const std::string& path)
{
    return std::filesystem::path(path).extension() == ".pscope";
}

core::Result<std::vector<core::TrialRecord>> ProjectPredictions::chosenTrials(const core::ProjectStore& project) const
{
    std::vector<core::TrialRecord> trials;
    for (const std::string& named : m_trials) {
        PSC_ASSIGN(core::TrialRecord trial, project.findTrial(named));
        trials.push_back(std::move(trial));
    }
    if (m_trials.empty()) {
        PSC_ASSIGN(trials, project.trials());
        std::erase_if(trials, [](const core::TrialRecord& t) { return t.status != core::TrialStatus::Done; });
    }
    return filtered(std::move(trials), m_where);
}

Outcome ProjectPredictions::report(const RooflineRequest& request, const roofline::HardwareSpec& hardware,
                                   Session& session) const
{
    if (request.isCompatible())
        return Outcome::usage("LLM-Viewer's modes know no trials", "leave --mode out");
    if (!request.weightFormat.empty() || request.weightBits != 16 || !request.sparsity.empty() || request.rank > 0)
        return Outcome::usage("how weights are stored is known from the trials",
                              "leave --weight-bits, --weight-format, --sparsity and --rank out");
    const core::Result<core::ProjectStore> project = core::ProjectStore::open(request.model, core::OpenMode::ReadOnly);
    if (!project.ok())
        return {project.error(), ErrorSource::Project};
    auto trials = chosenTrials(project.value());
    if (!trials.ok())
        return {trials.error(), ErrorSource::Arguments};
    const auto workloads = project.value().workloads();
    if (!workloads.ok())
        return {workloads.error(), ErrorSource::Project};
    TrialReports reports(request, hardware, workloads.value(), session.installation.architectures());
    if (m_trials.size() == 1 && trials.value().size() == 1 && !m_record) {
        PSC_ASSIGN(RooflineInputs inputs, reports.inputsOf(trials.value().front()));
        return reportPrediction(request, std::move(inputs), hardware, session);
    }
    std::vector<Predicted> all;
    for (core::TrialRecord& trial : trials.value())
        all.push_back(reports.predict(std::move(trial)));
    if (m_record) {
        const core::Status recorded = record(request.model, pointsOf(all, request, hardware), session.console);
        if (!recorded.ok())
            return {recorded.error(), ErrorSource::Project};
    }
    if (session.common.json) {
        core::Json list = core::Json::array();
        for (const Predicted& predicted : all)
            list.push_back(trialJson(predicted, request));
        session.console.document({{"schema", "paretoscope.roofline/1"},
                                  {"mode", request.mode},
                                  {"project", request.model},
                                  {"hardware", roofline::hardwareJson(hardware)},
                                  {"settings", loadOf(request)},
                                  {"trials", list}});
        return ExitStatus::Done;
    }
    const TextTable table = tableOf(all, request);
    session.console.write(request.csv ? core::asCsv(table.rows()) : table.text(session.console.outStream()));
    printRemarks(all, session.console);
    return ExitStatus::Done;
}

} // namespace paretoscope::app
