// SPDX-License-Identifier: Apache-2.0
#include "core/engine/trial_runner.h"

#include "core/engine/accounting/stored_size.h"
#include "core/engine/build_info.h"
#include "core/engine/cache/tensor_cache.h"
#include "core/engine/evaluation/evaluator.h"
#include "core/engine/evaluation/logits_writer.h"
#include "core/engine/evaluation/metric_registry.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/process_memory.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/warm_model.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace paretoscope::engine {

namespace {

class NoServices : public HostServices
{
public:
    Service* find(std::string_view, int) override { return nullptr; }
};

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

} // namespace

struct TrialRunner::Impl
{
    RunnerOptions options;
    PluginHost plugins;
    StatisticCache cache;
    TensorCache references;
    NoServices services;
    std::unique_ptr<WarmModel> model;
    std::map<std::filesystem::path, std::unique_ptr<WarmModel>> baselines; ///< that metrics name

    explicit Impl(RunnerOptions given)
        : options(std::move(given))
        , plugins(options.pluginFolders)
        , cache(options.cacheFolder)
        , references(options.cacheFolder.empty() ? options.cacheFolder : options.cacheFolder / "references")
    {
        at::set_num_threads(std::max(1, options.threads));
        keepFreedMemory();
    }

    core::Result<core::TrialOutcome> run(const core::TrialRequest& request, TrialObserver& observer);
    core::Result<core::Json> evaluate(const core::Json& request, TrialObserver& observer);
    core::Status warmUp(const std::filesystem::path& path, TrialObserver& observer);
    core::Result<std::vector<std::unique_ptr<Stage>>> makeStages(const core::Pipeline& pipeline);
    core::Result<std::optional<Calibration>> readCalibration(const core::TrialRequest& request);
    core::Result<const WarmModel*> baselineFor(const core::Json& metricOptions);
    core::Json numericalConditions() const;
    core::Result<std::vector<core::MetricRecord>> measure(const std::vector<core::MetricSpec>& specs,
                                                          const ModelTensors& tensors, const Hooks& hooks,
                                                          TrialObserver& observer);
    void stamp(core::MetricRecord& record) const;
    core::Json tokenizerHash() const; ///< null when nothing was tokenised
    core::Bytes residentLimit() const;
};

/// Weights are kept as float32 between passes when they take at most a quarter of the memory that this worker may use.
core::Bytes TrialRunner::Impl::residentLimit() const
{
    const core::Bytes usable = options.memoryBudget.value_or(physicalMemory());
    return {usable.value / 4};
}

core::Status TrialRunner::Impl::warmUp(const std::filesystem::path& path, TrialObserver& observer)
{
    if (model && model->path() == path)
        return core::success();
    observer.progressed("load", 0, 1);
    model.reset();
    PSC_ASSIGN(model, WarmModel::load(path, options.architectures, residentLimit()));
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
    return std::optional(Calibration {std::move(sequences.sequences), std::move(identity)});
}

core::Json TrialRunner::Impl::tokenizerHash() const
{
    const std::optional<core::Sha256Digest> digest = model->tokenizerDigest();
    return digest ? core::Json(digest->hex()) : core::Json();
}

void TrialRunner::Impl::stamp(core::MetricRecord& record) const
{
    record.device = options.device;
    record.dtype = "float32";
    record.threads = options.threads;
    record.build = buildName();
}

core::Json TrialRunner::Impl::numericalConditions() const
{
    return {{"numerics", core::kEngineNumericsVersion}, {"threads", options.threads}, {"device", options.device}};
}

core::Result<const WarmModel*> TrialRunner::Impl::baselineFor(const core::Json& metricOptions)
{
    const std::filesystem::path path = metricOptions.value("baseline", model->path().string());
    if (path == model->path())
        return model.get();
    std::unique_ptr<WarmModel>& baseline = baselines[path];
    if (!baseline) {
        PSC_ASSIGN(baseline, WarmModel::load(path, options.architectures, residentLimit()));
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
                                                                         const ModelTensors& tensors,
                                                                         const Hooks& hooks, TrialObserver& observer)
{
    std::erase_if(baselines, [&](const auto& loaded) {
        return std::none_of(specs.begin(), specs.end(), [&](const core::MetricSpec& spec) {
            return spec.options.value("baseline", "") == loaded.first.string();
        });
    });
    const MetricContext context {*model, [this](const core::Json& metricOptions) { return baselineFor(metricOptions); },
                                 references, numericalConditions(), observer};
    std::vector<std::unique_ptr<Metric>> metrics;
    for (const core::MetricSpec& spec : specs) {
        PSC_ASSIGN(std::unique_ptr<Metric> metric, makeMetric(spec, context));
        metrics.push_back(std::move(metric));
    }
    PSC_TRY(engine::evaluate(metrics, {model->graph(), tensors, hooks, observer}));
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

core::Result<core::TrialOutcome> TrialRunner::Impl::run(const core::TrialRequest& request, TrialObserver& observer)
{
    const Stopwatch total;
    PeakMemory memory;
    PSC_TRY(warmUp(request.workload.model, observer));
    if (model->digest() != request.identity.model)
        return core::Error {core::ErrorCode::Corrupt,
                            request.workload.model.string() + " changed after the sweep was planned",
                            "run the sweep again"};
    PSC_ASSIGN(const std::vector<std::unique_ptr<Stage>> stages, makeStages(request.pipeline));
    PSC_ASSIGN(const std::optional<Calibration> calibration, readCalibration(request));
    const double loadSeconds = total.seconds();

    ModelTensors tensors = model->tensors();
    TrialLog log;
    Hooks hooks;
    const PipelineContext context {model->graph(),
                                   tensors,
                                   calibration ? &*calibration : nullptr,
                                   plugins.statistics(),
                                   cache,
                                   services,
                                   observer,
                                   log,
                                   request.seed,
                                   hooks};
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const core::Status done = runStage(*stages[i], context);
        if (!done.ok())
            return done.error().withContext(request.pipeline.stages[i].plugin);
    }
    const double compressSeconds = total.seconds() - loadSeconds;

    std::vector<core::MetricSpec> specs;
    for (const int index : request.measurements)
        specs.push_back(request.workload.evaluate.at(static_cast<std::size_t>(index)));
    core::TrialOutcome outcome;
    PSC_ASSIGN(outcome.metrics, measure(specs, tensors, hooks, observer));

    const core::Bytes stored = storedSize(model->graph().architecture(), tensors);
    const auto parameters = static_cast<double>(model->graph().architecture().parameters());
    outcome.metrics.push_back(sizeMetric("stored_bytes", double(stored.value), "B"));
    outcome.metrics.push_back(sizeMetric("bits_per_parameter", 8.0 * double(stored.value) / parameters, "bit"));
    outcome.metrics.push_back(sizeMetric("peak_memory_bytes", double(memory.peak().value), "B"));
    for (core::MetricRecord& record : outcome.metrics)
        stamp(record);
    outcome.layerMetrics = std::move(log.layerMetrics);
    outcome.seconds = total.seconds();
    outcome.provenance = {
        {"device", options.device},
        {"threads", options.threads},
        {"build", buildName()},
        {"phases",
         {{"load_seconds", loadSeconds},
          {"compress_seconds", compressSeconds},
          {"evaluate_seconds", outcome.seconds - loadSeconds - compressSeconds}}},
        {"statistics", {{"computed", log.statisticsComputed}, {"from_cache", log.statisticsFromCache}}},
        {"warnings", summarisedWarnings(log.warnings)}};
    return outcome;
}

core::Result<core::Json> TrialRunner::Impl::evaluate(const core::Json& request, TrialObserver& observer)
{
    const Stopwatch total;
    PeakMemory memory;
    PSC_TRY(warmUp(request.at("model").get<std::string>(), observer));
    const double loadSeconds = total.seconds();
    const ModelTensors tensors = model->tensors();
    const Hooks noHooks;
    if (request.contains("logits"))
        PSC_TRY(writeLogits(request.at("logits"), {model->graph(), tensors, noHooks, observer}));

    std::vector<core::MetricSpec> specs;
    for (const core::Json& metric : request.value("metrics", core::Json::array()))
        specs.push_back({metric.at("name").get<std::string>(), metric.at("options")});
    PSC_ASSIGN(const std::vector<core::MetricRecord> records, measure(specs, tensors, noHooks, observer));

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
    return core::Json {{"metrics", metrics},
                       {"model_sha256", model->digest().hex()},
                       {"tokenizer_sha256", tokenizerHash()},
                       {"device", options.device},
                       {"dtype", "float32"},
                       {"threads", options.threads},
                       {"load_seconds", loadSeconds},
                       {"evaluate_seconds", evaluateSeconds},
                       {"tokens_per_second", evaluateSeconds > 0 ? tokens / evaluateSeconds : 0.0},
                       {"peak_memory_bytes", memory.peak().value}};
}

TrialRunner::TrialRunner(RunnerOptions options)
    : m_impl(std::make_unique<Impl>(std::move(options)))
{}
TrialRunner::~TrialRunner() = default;

core::Result<core::TrialOutcome> TrialRunner::run(const core::TrialRequest& request, TrialObserver& observer)
{
    const c10::InferenceMode noGradients;
    return guarded("running the trial", [&] { return m_impl->run(request, observer); });
}

core::Result<core::Json> TrialRunner::evaluate(const core::Json& request, TrialObserver& observer)
{
    const c10::InferenceMode noGradients;
    return guarded("evaluating the model", [&] { return m_impl->evaluate(request, observer); });
}

core::Json TrialRunner::describeBuild()
{
    return engine::describeBuild();
}

} // namespace paretoscope::engine
