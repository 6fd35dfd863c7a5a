// SPDX-License-Identifier: Apache-2.0
#include "core/engine/runner/metric_pass.h"

#include "core/engine/evaluation/metric_registry.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

core::Json evaluationConditions(const RunnerSession& session)
{
    core::Json conditions = session.numericalConditions();
    if (session.arithmetic.value() != Arithmetic::Float32) // caches from before there was a choice stay good
        conditions["arithmetic"] = session.options.arithmetic;
    return conditions;
}

core::Result<const WarmModel*> baselineFor(RunnerSession& session, const core::Json& metricOptions)
{
    const std::filesystem::path path = metricOptions.value("baseline", session.model->path().string());
    if (path == session.model->path())
        return session.model.get();
    std::unique_ptr<WarmModel>& baseline = session.baselines[path];
    if (!baseline) {
        PSC_ASSIGN(baseline, session.load(path, session.auxiliaryLimit()));
    }
    const std::int64_t ours = session.model->graph().architecture().vocabSize;
    const std::int64_t theirs = baseline->graph().architecture().vocabSize;
    if (ours != theirs)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the baseline " + path.string() + " knows " + std::to_string(theirs) +
                                " tokens, the model " + std::to_string(ours) + ": they cannot be compared",
                            "compare with a model of the same tokenizer"};
    return baseline.get();
}

} // namespace

core::Result<std::vector<core::MetricRecord>>
measureMetrics(RunnerSession& session, const std::vector<core::MetricSpec>& specs, const EvaluationContext& evaluation)
{
    const Tf32Scope tf32(session.arithmetic.value() == Arithmetic::Tf32);
    std::erase_if(session.baselines, [&](const auto& loaded) {
        return std::none_of(specs.begin(), specs.end(), [&](const core::MetricSpec& spec) {
            return spec.options.value("baseline", "") == loaded.first.string();
        });
    });
    const MetricContext context {*session.model,
                                 [&session](const core::Json& metricOptions) { return baselineFor(session, metricOptions); },
                                 session.references,
                                 evaluationConditions(session),
                                 evaluation.observer,
                                 evaluation.memory};
    std::vector<std::unique_ptr<Metric>> metrics;
    for (const core::MetricSpec& spec : specs) {
        PSC_ASSIGN(std::unique_ptr<Metric> metric, makeMetric(spec, context));
        metrics.push_back(std::move(metric));
    }
    PSC_TRY(evaluate(metrics, evaluation));
    std::vector<core::MetricRecord> records;
    for (const auto& metric : metrics) {
        PSC_ASSIGN(std::vector<core::MetricRecord> finished, metric->finish());
        for (core::MetricRecord& record : finished) {
            record.details["tokenizer_sha256"] = session.tokenizerHash();
            session.stamp(record);
            records.push_back(std::move(record));
        }
    }
    return records;
}

} // namespace paretoscope::engine
