// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/stage_executor.h"

#include "core/engine/foreign_exception.h"
#include "core/engine/parallel.h"
#include "core/engine/stage/statistic_collector.h"
#include "core/engine/stage/unit_task.h"

#include <algorithm>
#include <optional>
#include <set>

namespace paretoscope::engine {

namespace {

using Inputs = std::set<std::string, std::less<>>;

/// One run of one stage over the blocks of a model.
class StageRun
{
public:
    StageRun(Stage& stage, StagePlan plan, const PipelineContext& context)
        : m_stage(stage)
        , m_plan(std::move(plan))
        , m_context(context)
        , m_units(context.model.view().units)
    {}

    core::Status run();

private:
    bool readsStatistics() const { return !m_plan.statistics.empty(); }
    core::Status runWithoutStatistics();
    core::Status runFromCache();
    core::Status runWithForward();
    core::Status passBlock(int block);
    core::Result<StatisticValues> walkSteps(int block, LoadedTensors& tensors);
    core::Status enterModel();
    const Hooks& hooks() const { return isOriginal() ? m_noHooks : m_context.evaluationHooks; }
    /// Statistics of the original model do not see what this or an earlier stage replaced.
    bool isOriginal() const { return m_plan.propagate == Propagate::Original; }
    core::Result<LoadedTensors> load(const std::vector<std::string>& names) const;
    std::vector<std::unique_ptr<BlockPass>> beginPasses(int block, const LoadedTensors& tensors) const;
    core::Status applyTo(const std::vector<std::size_t>& targets, const StatisticValues& values, LoadedTensors* loaded);
    core::Status applyTargetsOf(int block, const StatisticValues& values);
    std::vector<std::size_t> targetsOf(int block) const;
    std::vector<std::size_t> targetsReading(const std::vector<StepInput>& inputs) const;
    Inputs inputsOf(int block) const;
    int lastBlock() const;
    core::Json cacheKey(const std::string& input, const StatisticRequest& request) const;
    std::optional<StatisticValues> cachedStatistics(int block) const;
    void storeStatistics(int block, const StatisticValues& values) const;
    core::Status report(int block) const;

    Stage& m_stage;
    StagePlan m_plan;
    const PipelineContext& m_context;
    const std::vector<Unit>& m_units;
    const Hooks m_noHooks;
    std::optional<StatisticCollector> m_collector;
    std::vector<at::Tensor> m_states; ///< of every sample, entering the next block
    StatisticValues m_allValues;      ///< of the whole model, for the scope Model
};

core::Status StageRun::run()
{
    if (!readsStatistics())
        return runWithoutStatistics();
    if (!m_context.calibration)
        return core::Error {core::ErrorCode::InvalidArgument,
                            "this stage needs calibration data, and the sweep names none",
                            "add `calibration: {corpus: FILE}` to the workload"};
    PSC_ASSIGN(m_collector, StatisticCollector::create(m_plan.statistics, m_context.statistics));
    if (isOriginal() && m_context.cache.enabled()) {
        bool complete = true;
        for (int block = 0; block <= lastBlock() && complete; ++block)
            complete = cachedStatistics(block).has_value();
        if (complete)
            return runFromCache();
    }
    return runWithForward();
}

core::Status StageRun::runWithoutStatistics()
{
    for (int block = -1; block <= lastBlock(); ++block) {
        PSC_TRY(report(block));
        PSC_TRY(applyTargetsOf(block, {}));
    }
    return m_plan.scope == StageScope::Model ? applyTo(m_plan.targets, {}, nullptr) : core::success();
}

core::Status StageRun::runFromCache()
{
    for (int block = 0; block <= lastBlock(); ++block) {
        PSC_TRY(report(block));
        const auto values = cachedStatistics(block);
        if (!values) // taken away between the check and now
            return runWithForward();
        m_context.log.statisticsFromCache += static_cast<int>(values->size());
        PSC_TRY(applyTargetsOf(block, *values));
    }
    return m_plan.scope == StageScope::Model ? applyTo(m_plan.targets, m_allValues, nullptr) : core::success();
}

core::Status StageRun::runWithForward()
{
    PSC_TRY(enterModel());
    for (int block = 0; block <= lastBlock(); ++block) {
        PSC_TRY(report(block));
        PSC_TRY(passBlock(block));
    }
    return m_plan.scope == StageScope::Model ? applyTo(m_plan.targets, m_allValues, nullptr) : core::success();
}

core::Result<LoadedTensors> StageRun::load(const std::vector<std::string>& names) const
{
    return isOriginal() ? LoadedTensors::loadOriginal(m_context.tensors, names)
                        : LoadedTensors::load(m_context.tensors, names);
}

core::Status StageRun::enterModel()
{
    PSC_ASSIGN(const LoadedTensors entry, load(m_context.model.entryTensors()));
    const auto& samples = m_context.calibration->samples;
    m_states.resize(samples.size());
    forEachSample(samples.size(), [&](std::size_t, std::size_t sample) {
        m_states[sample] = m_context.model.enter(samples[sample], entry);
    });
    return core::success();
}

std::vector<std::unique_ptr<BlockPass>> StageRun::beginPasses(int block, const LoadedTensors& tensors) const
{
    std::vector<std::unique_ptr<BlockPass>> passes(m_states.size());
    forEachSample(m_states.size(), [&](std::size_t, std::size_t sample) {
        passes[sample] = m_context.model.begin(block, static_cast<int>(sample), m_states[sample], tensors, hooks());
    });
    return passes;
}

core::Status StageRun::passBlock(int block)
{
    const std::vector<std::string> names = m_context.model.blockTensors(block);
    PSC_ASSIGN(LoadedTensors tensors, load(names));
    PSC_ASSIGN(const StatisticValues values, walkSteps(block, tensors));
    if (m_plan.propagate == Propagate::Step && m_plan.scope == StageScope::Tensor)
        return core::success(); // applied on the way
    if (isOriginal())
        storeStatistics(block, values);
    PSC_TRY(applyTargetsOf(block, values));
    if (isOriginal() || m_plan.scope == StageScope::Model || block == lastBlock())
        return core::success();
    // The outputs so far are those of the weights before this stage: pass again with the new ones.
    PSC_ASSIGN(tensors, load(names));
    auto passes = beginPasses(block, tensors);
    forEachSample(passes.size(), [&](std::size_t, std::size_t sample) {
        while (!passes[sample]->inputs().empty())
            passes[sample]->advance(tensors);
        m_states[sample] = passes[sample]->output();
    });
    return core::success();
}

core::Result<StatisticValues> StageRun::walkSteps(int block, LoadedTensors& tensors)
{
    const Inputs wanted = inputsOf(block);
    const bool applyOnTheWay = m_plan.propagate == Propagate::Step && m_plan.scope == StageScope::Tensor;
    // Outputs are needed by the next block, unless the block is passed again with new weights.
    const bool keepOutputs = applyOnTheWay || isOriginal() || m_plan.scope == StageScope::Model;
    StatisticValues all;
    auto passes = beginPasses(block, tensors);
    std::size_t inputsSeen = 0;
    while (!passes.front()->inputs().empty()) {
        PSC_ASSIGN(StatisticValues values, m_collector->collect(passes, wanted));
        m_context.log.statisticsComputed += static_cast<int>(values.size());
        const std::vector<StepInput> inputs = passes.front()->inputs();
        inputsSeen += static_cast<std::size_t>(std::count_if(
            inputs.begin(), inputs.end(), [&](const StepInput& input) { return wanted.contains(input.name); }));
        if (applyOnTheWay)
            PSC_TRY(applyTo(targetsReading(inputs), values, &tensors));
        all.merge(values);
        if (inputsSeen == wanted.size() && (block == lastBlock() || !keepOutputs))
            return all;
        forEachSample(passes.size(), [&](std::size_t, std::size_t sample) { passes[sample]->advance(tensors); });
    }
    if (keepOutputs) {
        for (std::size_t sample = 0; sample < passes.size(); ++sample)
            m_states[sample] = passes[sample]->output();
    }
    return all;
}

core::Status StageRun::applyTargetsOf(int block, const StatisticValues& values)
{
    if (m_plan.scope == StageScope::Model) {
        m_allValues.insert(values.begin(), values.end());
        return core::success();
    }
    return applyTo(targetsOf(block), values, nullptr);
}

core::Status StageRun::applyTo(const std::vector<std::size_t>& targets, const StatisticValues& values,
                               LoadedTensors* loaded)
{
    const std::size_t perCall = m_plan.scope == StageScope::Tensor ? 1 : targets.size();
    for (std::size_t first = 0; first < targets.size(); first += perCall) {
        if (m_context.observer.isCancelled())
            return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
        std::vector<const Unit*> units;
        for (std::size_t i = first; i < first + perCall; ++i)
            units.push_back(&m_units[targets[i]]);
        UnitTask task(std::move(units), values, m_context, loaded);
        PSC_TRY(task.readWeights());
        const core::Status applied = guarded("applying the stage", [&] { return m_stage.apply(task); });
        if (!applied.ok())
            return applied.error().withContext(task.units().front()->module);
        task.recordErrors();
    }
    return core::success();
}

std::vector<std::size_t> StageRun::targetsOf(int block) const
{
    std::vector<std::size_t> found;
    std::copy_if(m_plan.targets.begin(), m_plan.targets.end(), std::back_inserter(found),
                 [&](std::size_t target) { return m_units[target].block == block; });
    return found;
}

std::vector<std::size_t> StageRun::targetsReading(const std::vector<StepInput>& inputs) const
{
    std::vector<std::size_t> found;
    std::copy_if(m_plan.targets.begin(), m_plan.targets.end(), std::back_inserter(found), [&](std::size_t target) {
        return std::any_of(inputs.begin(), inputs.end(),
                           [&](const StepInput& input) { return input.name == m_units[target].input; });
    });
    return found;
}

Inputs StageRun::inputsOf(int block) const
{
    Inputs inputs;
    for (const std::size_t target : targetsOf(block))
        inputs.insert(m_units[target].input);
    return inputs;
}

int StageRun::lastBlock() const
{
    int last = -1;
    for (const std::size_t target : m_plan.targets)
        last = std::max(last, m_units[target].block);
    return last;
}

core::Json StageRun::cacheKey(const std::string& input, const StatisticRequest& request) const
{
    return {{"of", m_context.calibration->identity},
            {"input", input},
            {"statistic", request.id},
            {"version", request.version},
            {"options", request.options}};
}

std::optional<StatisticValues> StageRun::cachedStatistics(int block) const
{
    StatisticValues values;
    for (const std::string& input : inputsOf(block)) {
        for (const StatisticRequest& request : m_plan.statistics) {
            auto value = m_context.cache.find(cacheKey(input, request));
            if (!value)
                return std::nullopt;
            values.emplace(std::pair(input, request.id), std::move(*value));
        }
    }
    return values;
}

void StageRun::storeStatistics(int block, const StatisticValues& values) const
{
    // That no token reached an expert is worth remembering too: otherwise the next stage would look again.
    const StatisticValue unreached {at::zeros({0}), 0};
    for (const std::string& input : inputsOf(block)) {
        for (const StatisticRequest& request : m_plan.statistics) {
            const auto found = values.find({input, request.id});
            m_context.cache.store(cacheKey(input, request), found == values.end() ? unreached : found->second);
        }
    }
}

core::Status StageRun::report(int block) const
{
    m_context.observer.progressed("compress", std::max(block, 0), m_context.model.view().blocks);
    if (m_context.observer.isCancelled())
        return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
    return core::success();
}

} // namespace

core::Status runStage(Stage& stage, const PipelineContext& context)
{
    return guarded("running the stage", [&]() -> core::Status {
        PSC_ASSIGN(StagePlan plan, stage.prepare(context.model.view()));
        std::sort(plan.targets.begin(), plan.targets.end());
        const Hooks added = plan.evaluationHooks;
        PSC_TRY(StageRun(stage, std::move(plan), context).run());
        context.evaluationHooks.insert(context.evaluationHooks.end(), added.begin(), added.end());
        return core::success();
    });
}

} // namespace paretoscope::engine
