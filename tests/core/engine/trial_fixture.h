// SPDX-License-Identifier: Apache-2.0
// Trials on the bundled models, small enough for a test.
#pragma once

#include "core/engine/trial_runner.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <QString>
#include <QtGlobal>

#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope {

inline const std::filesystem::path kResources = PARETOSCOPE_RESOURCES;

class Observer : public engine::TrialObserver
{
public:
    void progressed(std::string_view, int, int) override {}
    bool isCancelled() const override { return cancelled; }
    bool cancelled = false;
};

inline core::PluginCatalogue catalogue()
{
    return core::PluginCatalogue::scan({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
}

/// The trials of a sweep over a bundled model.
struct SweepUnderTest
{
    /// @param calibration  number and length of the samples
    explicit SweepUnderTest(const std::string& pipelines, int windows = 8, const std::string& model = "tiny-llama",
                            const std::string& calibration = "samples: 8, length: 256")
    {
        const std::string text =
            "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/" + model +
            "\n"
            "  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, " +
            calibration +
            "}\n"
            "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 256, windows: " +
            std::to_string(windows) + "}\npipelines:\n" + pipelines;
        auto parsed = core::parseSweep(text, kResources / "test.yaml", catalogue());
        if (!parsed.ok())
            qFatal("%s", parsed.error().sentence().c_str());
        sweep = std::move(parsed).value();
        identity = core::identifySweep(sweep).value();
        trials = core::planTrials(sweep, identity);
    }
    core::TrialRequest request(std::size_t index) const
    {
        return {trials[index].id, sweep.workload, identity, trials[index].pipeline, trials[index].seed, {0}};
    }
    core::Sweep sweep;
    core::WorkloadIdentity identity;
    std::vector<core::PlannedTrial> trials;
};

inline engine::RunnerOptions optionsFor(int threads = 1, const QString& cache = {})
{
    engine::RunnerOptions options;
    options.threads = threads;
    options.cacheFolder = cache.toStdString();
    options.pluginFolders = {PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"};
    options.architectures = kResources / "architectures";
    return options;
}

inline const core::MetricRecord& metricOf(const core::TrialOutcome& outcome, const char* name)
{
    for (const core::MetricRecord& metric : outcome.metrics) {
        if (metric.name == name)
            return metric;
    }
    qFatal("no metric %s", name);
}

} // namespace paretoscope
