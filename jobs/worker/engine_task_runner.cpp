// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker/engine_task_runner.h"

#include "core/engine/trial_runner.h"
#include "core/plugin/manifest.h"
#include "core/sweep/trial_exchange.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

namespace paretoscope::jobs {

namespace {

using core::Json;

constexpr int kStatusDeviceLost = 3;

engine::RunnerOptions optionsOf(const Configuration& configuration)
{
    engine::RunnerOptions options;
    options.threads = configuration.threads;
    options.device = configuration.device == "auto" ? "cpu" : configuration.device;
    options.arithmetic = configuration.arithmetic;
    options.memoryBudget = configuration.memoryBudget;
    options.cacheFolder = configuration.cache;
    options.cacheLimit = configuration.cacheLimit;
    options.pluginFolders = configuration.plugins;
    options.architectures = configuration.architectures;
    options.allowsCommands = configuration.allowsCommands;
    return options;
}

class EngineTaskRunner : public TaskRunner
{
public:
    explicit EngineTaskRunner(engine::RunnerOptions options)
        : m_device(options.device)
        , m_runner(std::move(options))
    {}

    core::Status ready() const { return m_runner.ready(); }
    std::string remark() const { return m_runner.remark(); }

    core::Result<Json> runTrial(const Json& request, engine::TrialObserver& observer) override
    {
        PSC_ASSIGN(const core::TrialRequest trial, core::trialRequestFromJson(request));
        const core::Result<core::TrialOutcome> outcome = m_runner.run(trial, observer);
        if (!outcome.ok()) {
            endWithoutDevice(outcome.error());
            return outcome.error();
        }
        return core::toJson(outcome.value());
    }

    core::Result<Json> evaluate(const Json& request, engine::TrialObserver& observer) override
    {
        return m_runner.evaluate(request, observer);
    }

    core::Result<Json> exportModel(const Json& request, engine::TrialObserver& observer) override
    {
        PSC_ASSIGN(const core::ExportRequest wanted, core::exportRequestFromJson(request));
        return m_runner.exportModel(wanted, observer);
    }

    core::Result<Json> measure(const Json& request, engine::TrialObserver& observer) override
    {
        return m_runner.measure(request, observer);
    }

    std::optional<std::int64_t> deviceBytes() const override
    {
        const std::optional<core::Bytes> used = m_runner.deviceMemory();
        return used ? std::optional(used->value) : std::nullopt;
    }

private:
    /// A card that was lost, or whose context a kernel broke, would fail every later trial as well. Ending here gives
    /// the trial to another worker, and this worker's place to a process that finds out whether the card is there.
    void endWithoutDevice(const core::Error& failure) const
    {
        if (failure.code != core::ErrorCode::Unsupported)
            return;
        const core::Status device = m_runner.deviceAnswers();
        if (device.ok())
            return;
        spdlog::critical("{} does not compute any more: {} (after: {})", m_device, device.error().message,
                         failure.message);
        spdlog::default_logger()->flush();
        std::_Exit(kStatusDeviceLost);
    }

    std::string m_device;
    engine::TrialRunner m_runner;
};

} // namespace

core::Result<std::unique_ptr<TaskRunner>> makeEngineTaskRunner(const Configuration& configuration, Hello& hello)
{
    engine::RunnerOptions options = optionsOf(configuration);
    const auto catalogue = core::PluginCatalogue::scan(options.pluginFolders);
    for (const core::Error& problem : catalogue.problems())
        spdlog::warn("plugin left out message=\"{}\"", problem.sentence());
    for (const core::PluginManifest& manifest : catalogue.all())
        hello.plugins.push_back(manifest.id);
    hello.device = options.device;
    hello.description = engine::TrialRunner::describeBuild();
    hello.libtorch = hello.description.value("libtorch", "");
    auto runner = std::make_unique<EngineTaskRunner>(std::move(options));
    PSC_TRY(runner->ready());
    if (const std::string remark = runner->remark(); !remark.empty())
        spdlog::warn("device={} message=\"{}\"", hello.device, remark);
    return std::unique_ptr<TaskRunner>(std::move(runner));
}

} // namespace paretoscope::jobs
