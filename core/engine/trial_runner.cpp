// SPDX-License-Identifier: Apache-2.0
#include "core/engine/trial_runner.h"

#include "core/engine/accounting/stored_size.h"
#include "core/engine/artifact/packed_model.h"
#include "core/engine/build_info.h"
#include "core/engine/cache/tensor_cache.h"
#include "core/engine/device/arithmetic.h"
#include "core/engine/device/compute_device.h"
#include "core/engine/device/device_memory.h"
#include "core/engine/evaluation/evaluator.h"
#include "core/engine/evaluation/logits_writer.h"
#include "core/engine/evaluation/metric_registry.h"
#include "core/engine/export/model_source.h"
#include "core/engine/export/self_test.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/host/service_host.h"
#include "core/engine/kernels/card_kernels.h"
#include "core/engine/measurement/machine_measurement.h"
#include "core/engine/prefix/prefix_store.h"
#include "core/engine/process_memory.h"
#include "core/engine/recovery/trial_recovery.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/stage/stage_order.h"
#include "core/engine/warm_model.h"
#include "core/memory/memory_estimate.h"
#include "core/memory/physical_memory.h"
#include "core/sweep/shared_work.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

namespace paretoscope::engine {

namespace {

class Stopwatch
{
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count(); }

private:
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

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

core::Result<Arithmetic> arithmeticOn(const core::Result<at::Device>& device, const std::string& name)
{
    PSC_TRY(device);
    return arithmeticFor(name, device.value());
}

/// What ran out of memory says what was expected.
core::Error withEstimate(core::Error error, const core::MemoryEstimate& estimate)
{
    if (error.code == core::ErrorCode::OutOfMemory)
        error.message += "; the estimate was " + std::to_string(estimate.peak.value >> 20) + " MiB";
    return error;
}

/// Whether a stage has weights from a model that lies elsewhere.
bool takesOtherModel(const core::StageSpec& stage)
{
    return std::any_of(stage.models.begin(), stage.models.end(), [&](const std::string& parameter) {
        return stage.parameters.at(parameter).is_string(); // a list names files
    });
}

/// What the pipeline of a trial made of a model, with all that is needed to go on with it.
struct MadeModel
{
    MadeModel(ModelTensors model, const std::filesystem::path& cacheFolder, const core::Json& recoveryKey)
        : tensors(std::move(model))
        , recovery(cacheFolder, recoveryKey)
    {}
    ModelTensors tensors;
    TrialRecovery recovery;
    core::MemoryEstimate estimate;
    TrialLog log;
    RunTimeParts parts;
    bool isKept = false; ///< by an earlier run: nothing was compressed
    int sharedSteps = 0; ///< done by other trials
    double loadSeconds = 0;
    double compressSeconds = 0;
};

/// "gptq"; "gptq_2" for the second stage of that method.
std::string nameOfStage(const core::Pipeline& pipeline, std::size_t stage)
{
    const std::string& plugin = pipeline.stages[stage].plugin;
    const std::string name = plugin.substr(plugin.rfind('/') + 1);
    const auto end = pipeline.stages.begin() + static_cast<std::ptrdiff_t>(stage);
    const auto before = std::count_if(pipeline.stages.begin(), end,
                                      [&](const core::StageSpec& earlier) { return earlier.plugin == plugin; });
    return before == 0 ? name : name + '_' + std::to_string(before + 1);
}

} // namespace

struct TrialRunner::Impl
{
    RunnerOptions options;
    core::Result<at::Device> device;
    core::Result<Arithmetic> arithmetic;
    core::Json deviceDescription;
    PluginHost plugins;
    std::shared_ptr<core::ArtifactCache> artifacts;
    StatisticCache cache;
    TensorCache references;
    PrefixStore prefixes;
    std::unique_ptr<WarmModel> model;
    std::map<std::filesystem::path, std::unique_ptr<WarmModel>> baselines; ///< that metrics name

    explicit Impl(RunnerOptions given)
        : options(std::move(given))
        , device(openDevice(options.device))
        , arithmetic(arithmeticOn(device, options.arithmetic))
        , deviceDescription(describeDevice(options.device))
        , plugins(options.pluginFolders)
        , artifacts(std::make_shared<core::ArtifactCache>(options.cacheFolder, options.cacheLimit))
        , cache(TensorCache(artifacts, core::ArtifactKind::Statistic))
        , references(artifacts, core::ArtifactKind::Reference)
        , prefixes(artifacts, {options.threads, options.device}, auxiliaryLimit())
    {
        at::set_num_threads(std::max(1, options.threads));
        if (options.memoryBudget)
            returnFreedMemory();
        else
            keepFreedMemory();
        artifacts->trim();
    }

    core::Result<core::TrialOutcome> run(const core::TrialRequest& request, TrialObserver& observer);
    core::Result<core::Json> evaluate(const core::Json& request, TrialObserver& observer);
    core::Result<core::Json> exportModel(const core::ExportRequest& request, TrialObserver& observer);
    core::Result<core::Json> measure(const core::Json& request, TrialObserver& observer);
    core::Result<std::unique_ptr<MadeModel>> makeModel(const core::TrialRequest& request, TrialObserver& observer);
    core::Status compress(const core::TrialRequest& request, const std::vector<std::unique_ptr<Stage>>& stages,
                          int first, PipelineContext& context);
    bool takeKept(const core::TrialRequest& request, ModelTensors& tensors, TrialLog& log) const;
    std::vector<core::ArtifactRecord> keep(const core::TrialRequest& request, const ModelTensors& tensors,
                                           const RunTimeParts& parts, TrialLog& log) const;
    core::Status warmUp(const std::filesystem::path& path, TrialObserver& observer);
    core::Result<std::vector<std::unique_ptr<Stage>>> makeStages(const core::Pipeline& pipeline);
    core::Result<std::optional<Calibration>> readCalibration(const core::TrialRequest& request);
    core::Result<const WarmModel*> baselineFor(const core::Json& metricOptions);
    core::Bytes auxiliaryLimit() const;
    core::Json numericalConditions() const;
    core::Json evaluationConditions() const;
    core::Result<std::vector<core::MetricRecord>> measure(const std::vector<core::MetricSpec>& specs,
                                                          const EvaluationContext& evaluation);
    core::Result<core::MemoryEstimate> plan(const core::WorkloadSpec& workload, const core::Pipeline& pipeline,
                                            int attempt);
    core::Json recoveryKey(const core::TrialRequest& request) const;
    int resume(const core::TrialRequest& request, TrialRecovery& recovery, ModelTensors& tensors, TrialLog& log,
               const TrialObserver& observer);
    static void resumeKept(int steps, TrialRecovery& recovery, ModelTensors& tensors, TrialLog& log);
    void stamp(core::MetricRecord& record) const;
    core::Json tokenizerHash() const; ///< null when nothing was tokenised
};

/// How this trial divides the memory, and whether it can. An attempt after the first one, which may have ended for lack
/// of memory, takes as little as possible.
core::Result<core::MemoryEstimate> TrialRunner::Impl::plan(const core::WorkloadSpec& workload,
                                                           const core::Pipeline& pipeline, int attempt)
{
    const core::ModelSizes sizes = core::modelSizes(model->graph().architecture(), model->tensors().checkpoint());
    const core::TrialLoad load = core::trialLoad(workload, pipeline, plugins.catalogue(), options.threads);
    core::MemoryEstimate estimate =
        core::planMemory(sizes, load, options.memoryBudget, std::min(core::physicalMemory(), memoryOf(device.value())));
    if (attempt > 1)
        estimate = core::planFrugally(sizes, load, options.memoryBudget);
    PSC_TRY(core::requireWithin(estimate, options.memoryBudget));
    estimate.plan.scratch = core::scratchFolder(options.cacheFolder);
    model->limitResident({estimate.plan.keepsWeights ? std::numeric_limits<std::int64_t>::max() : 0});
    return estimate;
}

core::Json TrialRunner::Impl::recoveryKey(const core::TrialRequest& request) const
{
    core::Json protocols = core::Json::array();
    for (const int index : request.measurements)
        protocols.push_back(request.identity.protocolIds.at(static_cast<std::size_t>(index)));
    return {{"trial", request.id.hex()}, {"protocols", std::move(protocols)}, {"threads", options.threads},
            {"device", options.device},  {"arithmetic", options.arithmetic},  {"build", buildName()}};
}

/// Brings tensors and log to where an earlier process came with this trial, or behind the steps that another trial
/// went through already, whichever is further. @return the step to go on with
int TrialRunner::Impl::resume(const core::TrialRequest& request, TrialRecovery& recovery, ModelTensors& tensors,
                              TrialLog& log, const TrialObserver& observer)
{
    const ModelTensors untouched = tensors;
    const std::vector<std::string> told = log.warnings;
    recovery.restore(tensors, log);
    prefixes.enter(request, [&] { return !observer.isCancelled(); });
    for (int steps = prefixes.longest(); steps > recovery.position().step; --steps) {
        std::optional<PrefixState> state = prefixes.find(steps, tensors.layouts());
        if (!state)
            continue;
        recovery.startOver();
        tensors = untouched;
        for (auto& [name, tensor] : state->replaced) {
            tensors.replace(name, std::move(tensor));
            static_cast<void>(tensors.spill(name)); // should the scratch disk be full, it stays in memory
        }
        log = std::move(state->log);
        log.warnings.insert(log.warnings.end(), told.begin(), told.end());
        prefixes.keep(steps, tensors, log);
        return steps;
    }
    return 0;
}

/// The same for a model that was kept: only its evaluation may go on. A process that was still compressing came less
/// far than what was kept, and its tensors would undo later steps.
void TrialRunner::Impl::resumeKept(int steps, TrialRecovery& recovery, ModelTensors& tensors, TrialLog& log)
{
    ModelTensors restored = tensors;
    TrialLog restoredLog = log;
    recovery.restore(restored, restoredLog);
    if (recovery.position().step < steps) {
        recovery.startOver();
        return;
    }
    tensors = std::move(restored);
    log = std::move(restoredLog);
}

core::Status TrialRunner::Impl::warmUp(const std::filesystem::path& path, TrialObserver& observer)
{
    if (model && model->path() == path)
        return core::success();
    observer.progressed("load", 0, 1);
    model.reset();
    PSC_ASSIGN(model, WarmModel::load(path, options.architectures, core::Bytes {}, device.value(),
                                      activationType(arithmetic.value())));
    return core::success();
}

core::Result<std::vector<std::unique_ptr<Stage>>> TrialRunner::Impl::makeStages(const core::Pipeline& pipeline)
{
    std::vector<std::unique_ptr<Stage>> stages;
    for (const core::StageSpec& spec : pipeline.stages) {
        PSC_ASSIGN(std::unique_ptr<Stage> stage, plugins.makeStage(spec));
        const core::Status valid =
            guarded("checking " + spec.plugin, [&] { return stage->validate(model->graph().view()); });
        if (!valid.ok())
            return valid.error().withContext(spec.plugin);
        stages.push_back(std::move(stage));
    }
    PSC_TRY(checkOrder(pipeline, plugins.catalogue(), model->graph().view()));
    return stages;
}

core::Result<std::optional<Calibration>> TrialRunner::Impl::readCalibration(const core::TrialRequest& request)
{
    if (!request.workload.calibration || !request.pipeline.needsCalibration())
        return std::optional<Calibration>();
    PSC_ASSIGN(core::TokenSequences sequences, model->calibration(*request.workload.calibration));
    if (request.identity.calibrationCorpus && sequences.corpusDigest != *request.identity.calibrationCorpus)
        return core::Error {core::ErrorCode::Corrupt,
                            request.workload.calibration->corpus.string() + " changed after the sweep was planned",
                            "run the sweep again"};
    for (const std::vector<std::int32_t>& sequence : sequences.sequences)
        PSC_TRY(model->graph().requireLength(sequence.size()));
    core::Json identity = numericalConditions();
    identity["model"] = model->digest().hex();
    identity["tokens"] = sequences.idsDigest.hex();
    identity["sequences"] = sequences.sequences.size();
    const auto collectionKey = [this, request](const std::vector<std::string>& statistics) {
        return core::collectionKey(request.workload, request.identity, statistics, {options.threads, options.device});
    };
    return std::optional(Calibration {std::move(sequences.sequences), std::move(identity), collectionKey});
}

core::Json TrialRunner::Impl::tokenizerHash() const
{
    const std::optional<core::Sha256Digest> digest = model->tokenizerDigest();
    return digest ? core::Json(digest->hex()) : core::Json();
}

void TrialRunner::Impl::stamp(core::MetricRecord& record) const
{
    record.device = options.device;
    record.dtype = options.arithmetic;
    record.threads = options.threads;
    record.build = buildName();
}

core::Json TrialRunner::Impl::numericalConditions() const
{
    return {{"numerics", core::kEngineNumericsVersion}, {"threads", options.threads}, {"device", options.device}};
}

core::Json TrialRunner::Impl::evaluationConditions() const
{
    core::Json conditions = numericalConditions();
    if (arithmetic.value() != Arithmetic::Float32) // caches from before there was a choice stay good
        conditions["arithmetic"] = options.arithmetic;
    return conditions;
}

/// What a baseline and the services may keep beside the trial: nothing under a budget, little of the machine otherwise.
core::Bytes TrialRunner::Impl::auxiliaryLimit() const
{
    return {options.memoryBudget ? 0 : core::physicalMemory().value / 8};
}

core::Result<const WarmModel*> TrialRunner::Impl::baselineFor(const core::Json& metricOptions)
{
    const std::filesystem::path path = metricOptions.value("baseline", model->path().string());
    if (path == model->path())
        return model.get();
    std::unique_ptr<WarmModel>& baseline = baselines[path];
    if (!baseline) {
        PSC_ASSIGN(baseline, WarmModel::load(path, options.architectures, auxiliaryLimit(), device.value(),
                                             activationType(arithmetic.value())));
    }
    const std::int64_t ours = model->graph().architecture().vocabSize;
    const std::int64_t theirs = baseline->graph().architecture().vocabSize;
    if (ours != theirs)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the baseline " + path.string() + " knows " + std::to_string(theirs) +
                                " tokens, the model " + std::to_string(ours) + ": they cannot be compared",
                            "compare with a model of the same tokenizer"};
    return baseline.get();
}

core::Result<std::vector<core::MetricRecord>> TrialRunner::Impl::measure(const std::vector<core::MetricSpec>& specs,
                                                                         const EvaluationContext& evaluation)
{
    const Tf32Scope tf32(arithmetic.value() == Arithmetic::Tf32);
    std::erase_if(baselines, [&](const auto& loaded) {
        return std::none_of(specs.begin(), specs.end(), [&](const core::MetricSpec& spec) {
            return spec.options.value("baseline", "") == loaded.first.string();
        });
    });
    const MetricContext context {*model,
                                 [this](const core::Json& metricOptions) { return baselineFor(metricOptions); },
                                 references,
                                 evaluationConditions(),
                                 evaluation.observer,
                                 evaluation.memory};
    std::vector<std::unique_ptr<Metric>> metrics;
    for (const core::MetricSpec& spec : specs) {
        PSC_ASSIGN(std::unique_ptr<Metric> metric, makeMetric(spec, context));
        metrics.push_back(std::move(metric));
    }
    PSC_TRY(engine::evaluate(metrics, evaluation));
    std::vector<core::MetricRecord> records;
    for (const auto& metric : metrics) {
        PSC_ASSIGN(std::vector<core::MetricRecord> finished, metric->finish());
        for (core::MetricRecord& record : finished) {
            record.details["tokenizer_sha256"] = tokenizerHash();
            stamp(record);
            records.push_back(std::move(record));
        }
    }
    return records;
}

core::Result<std::unique_ptr<MadeModel>> TrialRunner::Impl::makeModel(const core::TrialRequest& request,
                                                                      TrialObserver& observer)
{
    const Stopwatch total;
    PSC_TRY(warmUp(request.workload.model, observer));
    if (model->digest() != request.identity.model)
        return core::Error {core::ErrorCode::Corrupt,
                            request.workload.model.string() + " changed after the sweep was planned",
                            "run the sweep again"};
    PSC_ASSIGN(const std::vector<std::unique_ptr<Stage>> stages, makeStages(request.pipeline));
    PSC_ASSIGN(const std::optional<Calibration> calibration, readCalibration(request));
    auto made = std::make_unique<MadeModel>(model->tensors(), options.cacheFolder, recoveryKey(request));
    PSC_ASSIGN(made->estimate, plan(request.workload, request.pipeline, request.attempt));
    made->loadSeconds = total.seconds();

    made->tensors.readWith(plugins.layouts());
    if (made->estimate.plan.spillsReplacements)
        made->tensors.spillTo(std::make_shared<core::ScratchFile>(made->estimate.plan.scratch));
    made->isKept = takeKept(request, made->tensors, made->log);
    if (made->isKept)
        resumeKept(static_cast<int>(request.pipeline.steps().size()), made->recovery, made->tensors, made->log);
    else
        made->sharedSteps = resume(request, made->recovery, made->tensors, made->log, observer);
    const std::vector<std::vector<std::int32_t>> noSamples;
    ServiceHost services(
        {model->graph(), made->tensors, calibration ? calibration->samples : noSamples, made->parts.hooks,
         made->parts.kvStore, observer, auxiliaryLimit(), options.architectures,
         CommandSettings {options.allowsCommands, request.workload.model, core::scratchFolder(options.cacheFolder)}});
    PipelineContext context {model->graph(),
                             made->tensors,
                             calibration ? &*calibration : nullptr,
                             plugins.statistics(),
                             cache,
                             services,
                             observer,
                             made->log,
                             request.seed,
                             made->parts,
                             made->estimate.plan,
                             &made->recovery};
    if (!made->isKept) {
        const core::Status compressed = compress(request, stages, made->sharedSteps, context);
        prefixes.leave();
        if (!compressed.ok())
            return withEstimate(compressed.error(), made->estimate);
    }
    made->compressSeconds = total.seconds() - made->loadSeconds;
    return made;
}

core::Result<core::TrialOutcome> TrialRunner::Impl::run(const core::TrialRequest& request, TrialObserver& observer)
{
    const Stopwatch total;
    PeakMemory memory;
    const PeakDeviceMemory deviceMemory(device.value());
    PSC_ASSIGN(const std::unique_ptr<MadeModel> made, makeModel(request, observer));
    ModelTensors& tensors = made->tensors;
    TrialLog& log = made->log;
    const core::MemoryEstimate& estimate = made->estimate;

    std::vector<core::MetricSpec> specs;
    for (const int index : request.measurements)
        specs.push_back(request.workload.evaluate.at(static_cast<std::size_t>(index)));
    core::TrialOutcome outcome;
    PSC_ASSIGN(outcome.metrics,
               measure(specs, {model->graph(), tensors, made->parts.hooks, observer, estimate.plan, &made->recovery,
                               &log, static_cast<int>(request.pipeline.steps().size()), made->parts.kvStore}));

    core::StoredModel accounts = storedModel(model->graph().architecture(), tensors);
    accounts.worksAtRunTime = !made->parts.hooks.empty() || made->parts.kvStore;
    const core::Bytes stored = accounts.bytes();
    const auto parameters = static_cast<double>(model->graph().architecture().parameters());
    outcome.metrics.push_back(sizeMetric("stored_bytes", double(stored.value), "B"));
    outcome.metrics.back().details[core::kStoredModelKey] = core::toJson(accounts);
    outcome.metrics.push_back(sizeMetric("bits_per_parameter", 8.0 * double(stored.value) / parameters, "bit"));
    outcome.metrics.push_back(sizeMetric("peak_memory_bytes", double(memory.peak().value), "B"));
    outcome.metrics.back().details["estimated_bytes"] = estimate.peak.value;
    for (core::MetricRecord& record : outcome.metrics)
        stamp(record);
    if (!made->isKept)
        outcome.artifacts = keep(request, tensors, made->parts, log);
    outcome.layerMetrics = std::move(log.layerMetrics);
    for (std::string& remark : artifacts->takeRemarks())
        log.warnings.push_back(std::move(remark));
    outcome.seconds = total.seconds();
    outcome.provenance =
        core::Json {{"device", options.device},
                    {"device_description", deviceDescription},
                    {"arithmetic", options.arithmetic},
                    {"threads", options.threads},
                    {"build", buildName()},
                    {"family", model->graph().architecture().family},
                    {"phases",
                     {{"load_seconds", made->loadSeconds},
                      {"compress_seconds", made->compressSeconds},
                      {"evaluate_seconds", outcome.seconds - made->loadSeconds - made->compressSeconds}}},
                    {"memory", toJson(estimate, options.memoryBudget, deviceMemory.peak())},
                    {"shared_steps", made->sharedSteps},
                    {"statistics", {{"computed", log.statisticsComputed}, {"from_cache", log.statisticsFromCache}}},
                    {"warnings", summarisedWarnings(log.warnings)}};
    if (made->isKept)
        outcome.provenance["measured_from"] = request.kept->digest.hex();
    made->recovery.finish();
    return outcome;
}

core::Result<core::Json> TrialRunner::Impl::exportModel(const core::ExportRequest& request, TrialObserver& observer)
{
    PSC_ASSIGN(const std::unique_ptr<Exporter> exporter, plugins.makeExporter(request.format, request.parameters));
    PSC_ASSIGN(const std::unique_ptr<MadeModel> made, makeModel(request.trial, observer));
    if (!made->parts.hooks.empty() || made->parts.kvStore)
        return core::Error {core::ErrorCode::Unsupported,
                            "a part of this trial's method works in every forward pass and is not in the weights",
                            "export a trial whose stages change weights only"};
    const ModelSource source(model->graph(), made->tensors, model->path());
    PSC_TRY(guarded("checking the export", [&] { return exporter->validate(source); }));
    observer.progressed("export", 0, 2);
    PSC_TRY(guarded("writing the export", [&] { return exporter->write(source, request.folder); }));
    observer.progressed("export", 1, 2);

    PSC_ASSIGN(const std::unique_ptr<WarmModel> written,
               WarmModel::load(exporter->model(request.folder), options.architectures, core::Bytes {}, device.value(),
                               activationType(arithmetic.value())));
    const Hooks noHooks;
    PSC_ASSIGN(const SelfTest test,
               compareLogits({model->graph(), made->tensors, noHooks, observer, made->estimate.plan},
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

core::Result<core::Json> TrialRunner::Impl::measure(const core::Json& request, TrialObserver& observer)
{
    const core::Json path = request.value("model", core::Json());
    if (path.is_string())
        PSC_TRY(warmUp(path.get<std::string>(), observer));
    const Surroundings surroundings {.device = device.value(),
                                     .threads = std::max(1, options.threads),
                                     .isQuick = request.value("quick", false),
                                     .caches = device.value().is_cpu() ? cacheSizes() : CacheSizes {},
                                     .observer = observer};
    return measureMachine(surroundings, options.device, path.is_string() ? model.get() : nullptr);
}

/// The steps before `first` are done. Keeps what other trials have in common with this one.
core::Status TrialRunner::Impl::compress(const core::TrialRequest& request,
                                         const std::vector<std::unique_ptr<Stage>>& stages, int first,
                                         PipelineContext& context)
{
    const TrialRecovery::Position& resumed = context.recovery->position();
    const std::vector<core::Pipeline::Step> steps = request.pipeline.steps();
    for (int i = first; i < static_cast<int>(steps.size()); ++i) {
        const core::Pipeline::Step& step = steps[static_cast<std::size_t>(i)];
        context.step = i;
        context.stage = nameOfStage(request.pipeline, step.stage);
        Stage& stage = *stages[step.stage];
        const core::Status done = step.isCut ? cutStage(stage, context) : runStage(stage, context);
        if (!done.ok())
            return done.error().withContext(request.pipeline.stages[step.stage].plugin);
        // What an earlier process did beyond this stage is in the tensors already; what a stage adds to every forward
        // lives and dies with it.
        const bool isExact = resumed.step <= i || resumed == TrialRecovery::Position {i + 1, -1};
        if (isExact && context.parts.hooks.empty() && !context.parts.kvStore)
            prefixes.keep(i + 1, context.tensors, context.log);
    }
    return core::success();
}

/// @return whether `tensors` are now what the pipeline makes of the model, because an earlier run kept it
bool TrialRunner::Impl::takeKept(const core::TrialRequest& request, ModelTensors& tensors, TrialLog& log) const
{
    if (!request.kept)
        return false;
    const core::Status read = unpackModel(request.kept->file, request.kept->digest, model->digest(), tensors);
    if (!read.ok())
        log.warnings.push_back(read.error().message + "; the model was compressed again");
    return read.ok();
}

/// What can be kept of the compressed model, if it is to be; a trial does not fail for that.
std::vector<core::ArtifactRecord> TrialRunner::Impl::keep(const core::TrialRequest& request,
                                                          const ModelTensors& tensors, const RunTimeParts& parts,
                                                          TrialLog& log) const
{
    const bool isElsewhere =
        std::any_of(request.pipeline.stages.begin(), request.pipeline.stages.end(), takesOtherModel);
    if (request.artifacts.empty() || tensors.replacements().empty() || isElsewhere)
        return {};
    const auto notKept = [&log](const std::string& why) {
        log.warnings.push_back("the compressed model was not kept: " + why);
        return std::vector<core::ArtifactRecord>();
    };
    if (!parts.hooks.empty() || parts.kvStore)
        return notKept("a part of the method works in every forward pass and is not in the weights");
    const auto packer = ModelPacker::of(tensors, model->digest());
    if (!packer.ok())
        return notKept(packer.error().message);
    if (packer.value().bytes() > request.artifactLimit)
        return notKept("it takes " + std::to_string(packer.value().bytes().value >> 20) + " MiB, and " +
                       std::to_string(request.artifactLimit.value >> 20) + " MiB are left");
    const auto packed = packer.value().write(request.artifacts);
    if (!packed.ok())
        return notKept(packed.error().message);
    return {{.role = "model",
             .kind = "compressed_model",
             .mediaType = "application/x-safetensors",
             .sha256 = packed.value().digest.hex(),
             .bytes = packed.value().bytes.value,
             .description = {{"tensors", tensors.replacements().size()}}}};
}

core::Result<core::Json> TrialRunner::Impl::evaluate(const core::Json& request, TrialObserver& observer)
{
    const Stopwatch total;
    PeakMemory memory;
    const PeakDeviceMemory deviceMemory(device.value());
    PSC_TRY(warmUp(request.at("model").get<std::string>(), observer));
    core::WorkloadSpec workload;
    for (const core::Json& metric : request.value("metrics", core::Json::array()))
        workload.evaluate.push_back({metric.at("name").get<std::string>(), metric.at("options")});
    PSC_ASSIGN(const core::MemoryEstimate estimate, plan(workload, {}, 1));
    const double loadSeconds = total.seconds();
    const ModelTensors tensors = model->tensors();
    const Hooks noHooks;
    const EvaluationContext context {model->graph(), tensors, noHooks, observer, estimate.plan};
    if (request.contains("logits")) {
        const Tf32Scope tf32(arithmetic.value() == Arithmetic::Tf32);
        PSC_TRY(writeLogits(request.at("logits"), context));
    }
    PSC_ASSIGN(const std::vector<core::MetricRecord> records, measure(workload.evaluate, context));

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
                         {"model_sha256", model->digest().hex()},
                         {"tokenizer_sha256", tokenizerHash()},
                         {"device", options.device},
                         {"dtype", options.arithmetic},
                         {"threads", options.threads},
                         {"load_seconds", loadSeconds},
                         {"evaluate_seconds", evaluateSeconds},
                         {"tokens_per_second", evaluateSeconds > 0 ? tokens / evaluateSeconds : 0.0},
                         {"peak_memory_bytes", memory.peak().value},
                         {"estimated_memory_bytes", estimate.peak.value}};
    if (const std::optional<core::Bytes> peak = deviceMemory.peak())
        document["device_peak_memory_bytes"] = peak->value;
    return document;
}

namespace {

/// Tells those who wait for what this process makes that it is alive.
class SignOfLife : public TrialObserver
{
public:
    SignOfLife(TrialObserver& observer, core::ArtifactCache& cache)
        : m_observer(observer)
        , m_cache(cache)
    {}
    void progressed(std::string_view phase, int done, int total) override
    {
        if (m_sinceLast.seconds() > kInterval) {
            m_cache.touchClaims();
            m_sinceLast = {};
        }
        m_observer.progressed(phase, done, total);
    }
    bool isCancelled() const override { return m_observer.isCancelled(); }

private:
    static constexpr double kInterval = 10;
    TrialObserver& m_observer;
    core::ArtifactCache& m_cache;
    Stopwatch m_sinceLast;
};

} // namespace

TrialRunner::TrialRunner(RunnerOptions options)
    : m_impl(std::make_unique<Impl>(std::move(options)))
{}
TrialRunner::~TrialRunner() = default;

core::Status TrialRunner::ready() const
{
    PSC_TRY(m_impl->device);
    PSC_TRY(m_impl->arithmetic);
    return core::success();
}

core::Status TrialRunner::deviceAnswers() const
{
    PSC_TRY(ready());
    return guarded("asking the device", [this]() -> core::Status {
        static_cast<void>(at::ones({1}, at::TensorOptions(m_impl->device.value())).item<float>());
        return core::success();
    });
}

std::optional<core::Bytes> TrialRunner::deviceMemory() const
{
    if (!m_impl->device.ok())
        return std::nullopt;
    const auto used =
        guarded("asking for the memory of the device", [this]() -> core::Result<std::optional<core::Bytes>> {
            return usedDeviceMemory(m_impl->device.value());
        });
    return used.ok() ? used.value() : std::nullopt;
}

std::string TrialRunner::remark() const
{
    const bool isCard = m_impl->device.ok() && m_impl->device.value().is_cuda();
    if (!isCard || CardKernels::installed().ok())
        return {};
    return CardKernels::installed().error().message + "; grids are fitted and GPTQ's columns computed on the host";
}

core::Result<core::TrialOutcome> TrialRunner::run(const core::TrialRequest& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    SignOfLife alive(observer, *m_impl->artifacts);
    return guarded("running the trial", [&] { return m_impl->run(request, alive); });
}

core::Result<core::Json> TrialRunner::evaluate(const core::Json& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    SignOfLife alive(observer, *m_impl->artifacts);
    return guarded("evaluating the model", [&] { return m_impl->evaluate(request, alive); });
}

core::Result<core::Json> TrialRunner::exportModel(const core::ExportRequest& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    SignOfLife alive(observer, *m_impl->artifacts);
    return guarded("exporting the model", [&] { return m_impl->exportModel(request, alive); });
}

core::Result<core::Json> TrialRunner::measure(const core::Json& request, TrialObserver& observer)
{
    PSC_TRY(ready());
    const c10::InferenceMode noGradients;
    return guarded("measuring this machine", [&] { return m_impl->measure(request, observer); });
}

core::Json TrialRunner::describeBuild()
{
    return engine::describeBuild();
}

} // namespace paretoscope::engine
