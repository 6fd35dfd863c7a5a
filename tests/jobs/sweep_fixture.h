// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/sweep_runner.h"

#include <chrono>
#include <string>
#include <vector>

namespace paretoscope::tests {

/// A sweep over the bundled tiny model whose trials do what their scripts say (fake_worker.cpp); null = the baseline.
inline core::Sweep sweepOf(const std::vector<core::Json>& scripts)
{
    core::Sweep sweep;
    sweep.name = "scripted";
    sweep.source = "scripted: true";
    sweep.workload.kind = "causal-lm";
    sweep.workload.model = PARETOSCOPE_RESOURCES "/models/tiny-llama";
    sweep.workload.evaluate = {
        {"perplexity",
         {{"corpus", PARETOSCOPE_RESOURCES "/demo/corpora/wiki.test.tokens"}, {"length", 64}, {"windows", 2}}}};
    sweep.driver = {{"grid", core::Json::object()}};
    sweep.objectives = {"perplexity", "stored_bytes"};
    int number = 0;
    for (core::Json script : scripts) {
        core::Pipeline pipeline;
        if (!script.is_null()) {
            script["n"] = number++; // so that no two are the same trial
            pipeline.stages.push_back({"fake/stage", "1", script, script, false});
        }
        sweep.pipelines.push_back(std::move(pipeline));
    }
    return sweep;
}

/// A baseline and `count` trials of `milliseconds`.
inline core::Sweep plainSweep(int count, int milliseconds = 0)
{
    std::vector<core::Json> scripts {nullptr};
    for (int i = 0; i < count; ++i)
        scripts.push_back({{"ms", milliseconds}});
    return sweepOf(scripts);
}

inline jobs::SweepOptions quickOptions(int workers = 2)
{
    using namespace std::chrono_literals;
    jobs::SweepOptions options;
    options.jobs = workers;
    options.threads = 1;
    options.device = "cpu";
    options.cache = "/nonexistent";
    options.worker = PARETOSCOPE_FAKE_WORKER;
    options.command = "paretoscope --batch scripted.yaml";
    options.timings = {.heartbeat = 50ms,
                       .silence = 3s,
                       .start = 10s,
                       .stall = 60s,
                       .cancelGrace = 1s,
                       .terminateGrace = 300ms,
                       .backOff = 10ms};
    return options;
}

} // namespace paretoscope::tests
