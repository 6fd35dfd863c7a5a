// SPDX-License-Identifier: Apache-2.0
#include "core/engine/trial_runner.h"

#include "core/engine/accounting/stored_size.h"
#include "core/engine/build_info.h"
#include "core/engine/device/compute_device.h"
#include "core/engine/device/device_memory.h"
#include "core/engine/evaluation/logits_writer.h"
#include "core/engine/export/model_source.h"
#include "core/engine/export/self_test.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/kernels/card_kernels.h"
#include "core/engine/measurement/machine_measurement.h"
#include "core/engine/process_memory.h"
#include "core/engine/runner/kept_model.h"
#include "core/engine/runner/metric_pass.h"
#include "core/engine/runner/model_maker.h"
#include "core/engine/runner/runner_session.h"
#include "core/engine/runner/sign_of_life.h"
#include "core/engine/runner/stopwatch.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace paretoscope::engine {

namespace {

/// Of the units whose stages recorded that they round what is multiplied with them.
InputBits recordedInputBits(const ModelView& view, const TrialLog& log)
{
    std::map<std::string_view, double> bitsOf;
    for (const core::LayerMetricRecord& record : log.layerMetrics) {
        if (record.name == core::kActivationBits && record.value)
            bitsOf[record.module] = *record.value;
    }
    InputBits bits;
    for (const Unit& unit : view.units) {
        if (const auto found = bitsOf.find(unit.module); found != bitsOf.end())
            bits.emplace(unit.tensor, found->second);
    }
    return bits;
}

core::MetricRecord sizeMetric(const char* name, double value, const char* unit)
{
    core::MetricRecord record;
    record.name = name;
    record.value = value;
    record.unit = unit;
    record.n = 1;
    return record;
}

core::Json toJson(const core::MemoryEstimate& estimate, std::optional<core::Bytes> budget,
                  std::optional<core::Bytes> devicePeak)
{
    const core::MemoryPlan& plan = estimate.plan;
    core::Json json {{"budget_bytes", budget ? core::Json(budget->value) : core::Json()},
                     {"estimated_peak_bytes", estimate.peak.value},
                     {"estimated_scratch_bytes", estimate.scratch.value},
                     {"weights", plan.keepsWeights ? "resident"
                                 : plan.readsAhead ? "read ahead"
                                                   : "read block by block"},
                     {"passes", plan.keepsPasses ? "kept" : "computed again"}};
    if (devicePeak)
        json["device_peak_bytes"] = devicePeak->value;
    return json;
}

core::Result<core::TrialOutcome> runTrial(RunnerSession& session, const core::TrialRequest& request,
                                          TrialObserver& observer)
{
    const Stopwatch total;
    PeakMemory memory;
    const PeakDeviceMemory deviceMemory(session.device.value());
    PSC_ASSIGN(const std::unique_ptr<MadeModel> made, makeModel(session, request, observer));
    ModelTensors& tensors = made->tensors;
    TrialLog& log = made->log;
    const core::MemoryEstimate& estimate = made->estimate;

    std::vector<core::MetricSpec> specs;
    for (const int index : request.measurements)
        specs.push_back(request.workload.evaluate.at(static_cast<std::size_t>(index)));
    core::TrialOutcome outcome;
    PSC_ASSIGN(
        outcome.metrics,
        measureMetrics(session, specs,
                       {session.model->graph(), tensors, made->parts.hooks, observer, estimate.plan, &made->recovery,
                        &log, static_cast<int>(request.pipeline.steps().size()), made->parts.kvStore}));

    const InputBits inputBits = recordedInputBits(session.model->graph().view(), log);
    core::StoredModel accounts = storedModel(session.model->graph().architecture(), tensors, inputBits);
    accounts.worksAtRunTime = made->parts.kvStore || (!made->parts.hooks.empty() && inputBits.empty());
    const core::Bytes stored = accounts.bytes();
    const auto parameters = static_cast<double>(session.model->graph().architecture().parameters());
    outcome.metrics.push_back(sizeMetric("stored_bytes", double(stored.value), "B"));
    outcome.metrics.back().details[core::kStoredModelKey] = core::toJson(accounts);
    outcome.metrics.push_back(sizeMetric("bits_per_parameter", 8.0 * double(stored.value) / parameters, "bit"));
    outcome.metrics.push_back(sizeMetric("peak_memory_bytes", double(memory.peak().value), "B"));
    outcome.metrics.back().details["estimated_bytes"] = estimate.peak.value;
    for (core::MetricRecord& record : outcome.metrics)
        session.stamp(record);
    if (!made->isKept)
        outcome.artifacts = keepModel(request, session.model->digest(), *made);
    outcome.layerMetrics = std::move(log.layerMetrics);
    for (std::string& remark : session.artifacts->takeRemarks())
        log.warnings.push_back(std::move(remark));
    outcome.seconds = total.seconds();
    outcome.provenance =
        core::Json {{"device", session.options.device},
                    {"device_description", session.deviceDescription},
                    {"arithmetic", session.options.arithmetic},
                    {"threads", session.options.threads},
                    {"build", buildName()},
                    {"family", session.model->graph().architecture().family},
                    {"phases",
                     {{"load_seconds", made->loadSeconds},
                      {"compress_seconds", made->compressSeconds},
                      {"evaluate_seconds", outcome.seconds - made->loadSeconds - made->compressSeconds}}},
                    {"memory", toJson(estimate, session.options.memoryBudget, deviceMemory.peak())},
                    {"shared_steps", made->sharedSteps},
                    {"statistics", {{"computed", log.statisticsComputed}, {"from_cache", log.statisticsFromCache}}},
                    {"warnings", summarisedWarnings(log.warnings)}};
    if (made->isKept)
        outcome.provenance["measured_from"] = request.kept->digest.hex();
    made->recovery.finish();
    return outcome;
}

core::Result<core::Json> evaluateModel(RunnerSession& session, const core::Json& request, TrialObserver& observer)
{
    const Stopwatch total;
    PeakMemory memory;
    const PeakDeviceMemory deviceMemory(session.device.value());
    PSC_TRY(session.warmUp(request.at("model").get<std::string>(), observer));
    core::WorkloadSpec workload;
    for (const core::Json& metric : request.value("metrics", core::Json::array()))
        workload.evaluate.push_back({metric.at("name").get<std::string>(), metric.at("options")});
    PSC_ASSIGN(const core::MemoryEstimate estimate, session.plan(workload, {}, 1));
    const double loadSeconds = total.seconds();
    const ModelTensors tensors = session.model->tensors();
    const Hooks noHooks;
    const EvaluationContext context {session.model->graph(), tensors, noHooks, observer, estimate.plan};
    if (request.contains("logits")) {
        const Tf32Scope tf32(session.arithmetic.value() == Arithmetic::Tf32);
        PSC_TRY(writeLogits(request.at("logits"), context));
    }
    PSC_ASSIGN(const std::vector<core::MetricRecord> records, measureMetrics(session, workload.evaluate, context));

    core::Json metrics = core::Json::array();
    double tokens = 0;
    for (const core::MetricRecord& record : records) {
        core::Json entry = core::toJson(record);
        entry.erase("details");
        entry.update(record.details);
        tokens += record.details.value("tokens_evaluated", 0.0);
        metrics.push_back(std::move(entry));
    }
    const double evaluateSeconds = total.seconds() - loadSeconds;
    core::Json document {{"metrics", metrics},
                         {"model_sha256", session.model->digest().hex()},
                         {"tokenizer_sha256", session.tokenizerHash()},
                         {"device", session.options.device},
                         {"dtype", session.options.arithmetic},
                         {"threads", session.options.threads},
                         {"load_seconds", loadSeconds},
                         {"evaluate_seconds", evaluateSeconds},
                         {"tokens_per_second", evaluateSeconds > 0 ? tokens / evaluateSeconds : 0.0},
                         {"peak_memory_bytes", memory.peak().value},
                         {"estimated_memory_bytes", estimate.peak.value}};
    if (const std::optional<core::Bytes> peak = deviceMemory.peak())
        document["device_peak_memory_bytes"] = peak->value;
    return document;
}

core::Result<core::Json> exportTrial(RunnerSession& session, const core::ExportRequest& request,
                                     TrialObserver& observer)
{
    PSC_ASSIGN(const std::unique_ptr<Exporter> exporter,
               session.plugins.makeExporter(request.format, request.parameters));
    PSC_ASSIGN(const std::unique_ptr<MadeModel> made, makeModel(session, request.trial, observer));
    if (!made->parts.empty())
        return core::Error {core::ErrorCode::Unsupported,
                            "a part of this trial's method works in every forward pass and is not in the weights",
                            "export a trial whose stages change weights only"};
    const ModelSource source(session.model->graph(), made->tensors, session.model->path());
    PSC_TRY(guarded("checking the export", [&] { return exporter->validate(source); }));
    observer.progressed("export", 0, 2);
    PSC_TRY(guarded("writing the export", [&] { return exporter->write(source, request.folder); }));
    observer.progressed("export", 1, 2);

    PSC_ASSIGN(const std::unique_ptr<WarmModel> written, session.load(exporter->model(request.folder), core::Bytes {}));
    const Hooks noHooks;
    PSC_ASSIGN(const SelfTest test,
               compareLogits({session.model->graph(), made->tensors, noHooks, observer, made->estimate.plan},
                             {written->graph(), written->tensors(), noHooks, observer, made->estimate.plan}));
    observer.progressed("export", 2, 2);
    core::Json warnings = made->log.warnings;
    if (!written->tokenizer().ok())
        warnings.push_back("what was written has no tokenizer that could be copied from the model");
    return core::Json {{"bytes", written->tensors().checkpoint().storedBytes().value},
                       {"model_sha256", written->digest().hex()},
                       {"self_test",
                        {{"tokens", test.tokens},
                         {"same_best", test.sameBest},
                         {"largest_logit_difference", test.largestLogitDifference},
                         {"kl_divergence", test.meanDivergence}}},
                       {"warnings", std::move(warnings)}};
}

core::Result<core::Json> measureDevice(RunnerSession& session, const core::Json& request, TrialObserver& observer)
{
    const core::Json path = request.value("model", core::Json());
    if (path.is_string())
        PSC_TRY(session.warmUp(path.get<std::string>(), observer));
    const Surroundings surroundings {.device = session.device.value(),
                                     .threads = std::max(1, session.options.threads),
                                     .isQuick = request.value("quick", false),
                                     .caches = session.device.value().is_cpu() ? cacheSizes() : CacheSizes {},
                                     .observer = observer};
    return measureMachine(surroundings, session.options.device, path.is_string() ? session.model.get() : nullptr);
}

} // namespace

TrialRunner::TrialRunner(RunnerOptions options)
    : m_session(std::make_unique<RunnerSession>(std::move(options)))
{}
TrialRunner::~TrialRunner() = default;

core::Status TrialRunner::ready() const
{
    PSC_TRY(m_session->device);
    PSC_TRY(m_session->arithmetic);
    return core::success();
}

core::Status TrialRunner::deviceAnswers() const
{
    PSC_TRY(ready());
    return guarded("asking the device", [this]() -> core::Status {
        static_cast<void>(at::ones({1}, at::TensorOptions(m_session->device.value())).item<float>());
        return core::success();
    });
}

std::optional<core::Bytes> TrialRunner::deviceMemory() const
{
    if (!m_session->device.ok())
        return std::nullopt;
    const auto used =
        guarded("asking for the memory of the device", [this]() -> core::Result<std::optional<core::Bytes>> {
            return usedDeviceMemory(m_session->device.value());
        });
    return used.ok() ? used.value() : std::nullopt;
}

std::string TrialRunner::remark() const
{
    const bool isCard = m_session->device.ok() && m_session->device.value().is_cuda();
    if (!isCard || CardKernels::installed().ok())
        return {};
    return CardKernels::installed().error().message + "; grids are fitted and GPTQ's columns computed on the host";
}

core::Result<core::TrialOutcome> TrialRunner::run(const core::TrialRequest& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    SignOfLife alive(observer, *m_session->artifacts);
    return guarded("running the trial", [&] { return runTrial(*m_session, request, alive); });
}

core::Result<core::Json> TrialRunner::evaluate(const core::Json& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    SignOfLife alive(observer, *m_session->artifacts);
    return guarded("evaluating the model", [&] { return evaluateModel(*m_session, request, alive); });
}

core::Result<core::Json> TrialRunner::exportModel(const core::ExportRequest& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    SignOfLife alive(observer, *m_session->artifacts);
    return guarded("exporting the model", [&] { return exportTrial(*m_session, request, alive); });
}

core::Result<core::Json> TrialRunner::measure(const core::Json& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    return guarded("measuring this machine", [&] { return measureDevice(*m_session, request, observer); });
}

core::Json TrialRunner::describeBuild()
{
    return engine::describeBuild();
}

} // namespace paretoscope::engine
