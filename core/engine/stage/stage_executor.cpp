// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/stage_executor.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/stage/calibration_flow.h"
#include "core/engine/stage/statistic_collector.h"
#include "core/engine/stage/unit_task.h"
#include "core/engine/streaming/block_reader.h"

#include <algorithm>
#include <chrono>
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
    core::Status runWithForward(int first);
    core::Status passBlock(int block);
    core::Result<StatisticValues> walkSteps(int block, LoadedTensors& tensors);
    core::Status walkStep(const Inputs& wanted, Inputs& seen, LoadedTensors& tensors, StatisticValues& all);
    core::Status requireFiniteWeights(const std::vector<std::size_t>& targets, LoadedTensors& loaded) const;
    core::Status enterModel();
    const Hooks& hooks() const { return isOriginal() ? m_noHooks : m_context.parts.hooks; }
    /// Statistics of the original model do not see what this or an earlier stage replaced.
    bool isOriginal() const { return m_plan.propagate == Propagate::Original; }
    bool appliesOnTheWay() const { return m_plan.propagate == Propagate::Step && m_plan.scope == StageScope::Tensor; }
    core::Status applyTo(const std::vector<std::size_t>& targets, const StatisticValues& values, LoadedTensors* loaded);
    core::Status applyTargetsOf(int block, const StatisticValues& values);
    std::string scopeOf(const Unit& unit) const;
    std::vector<std::size_t> targetsOf(int block) const;
    std::vector<std::size_t> targetsReading(const Inputs& inputs) const;
    Inputs inputsOf(int block) const;
    int lastBlock() const;
    const StatisticRequest& requestOf(const std::string& statistic) const;
    core::Json cacheKey(const std::string& input, const StatisticRequest& request) const;
    std::optional<StatisticValues> awaitStatistics(int block);
    bool hasStatistics(int block) const;
    std::optional<StatisticValues> cachedStatistics(int block) const;
    void storeStatistics(int block, const StatisticValues& values) const;
    core::Json claimKey() const;
    void tellThatAllAreThere() const;
    core::Status report(int block) const;
    int firstBlock() const;
    void keep(int nextBlock);

    Stage& m_stage;
    StagePlan m_plan;
    const PipelineContext& m_context;
    const std::vector<Unit>& m_units;
    const Hooks m_noHooks;
    std::optional<StatisticCollector> m_collector;
    std::optional<CalibrationFlow> m_flow;
    std::optional<BlockReader> m_reader;
    StatisticValues m_allValues;        ///< of the whole model, for the scope Model
    core::ArtifactCache::Claim m_claim; ///< on the statistics of the original model
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
    return isOriginal() && m_context.cache.enabled() ? runFromCache() : runWithForward(std::max(firstBlock(), 0));
}

core::Status StageRun::runWithoutStatistics()
{
    for (int block = firstBlock(); block <= lastBlock(); ++block) {
        PSC_TRY(report(block));
        PSC_TRY(applyTargetsOf(block, {}));
        keep(block + 1);
    }
    return m_plan.scope == StageScope::Model ? applyTo(m_plan.targets, {}, nullptr) : core::success();
}

core::Status StageRun::runFromCache()
{
    for (int block = std::max(firstBlock(), 0); block <= lastBlock(); ++block) {
        const auto values = awaitStatistics(block);
        if (!values)
            return runWithForward(block);
        PSC_TRY(report(block));
        m_context.log.statisticsFromCache += static_cast<int>(values->size());
        PSC_TRY(applyTargetsOf(block, *values));
        keep(block + 1);
    }
    tellThatAllAreThere();
    return m_plan.scope == StageScope::Model ? applyTo(m_plan.targets, m_allValues, nullptr) : core::success();
}

/// @param first  the blocks before it are done
core::Status StageRun::runWithForward(int first)
{
    m_flow.emplace(m_context.model, m_context.calibration->samples, hooks(), m_context.memory,
                   m_context.tensors.device());
    m_reader.emplace(m_context.model, m_context.tensors,
                     isOriginal() ? BlockReader::Weights::Original : BlockReader::Weights::Replaced, lastBlock() + 1,
                     m_context.memory.readsAhead);
    int block = 0;
    if (first > 0 && m_context.recovery &&
        m_context.recovery->restoreStates({m_context.step, first}, m_flow->states(), m_context.log))
        block = first;
    else
        PSC_TRY(enterModel());
    for (; block <= lastBlock(); ++block) {
        PSC_TRY(report(block));
        if (block < first) { // done, but what left it is not there
            PSC_ASSIGN(const LoadedTensors tensors, m_reader->take(block));
            PSC_TRY(m_flow->pass(block, tensors));
            continue;
        }
        PSC_TRY(passBlock(block));
        keep(block + 1);
    }
    if (isOriginal())
        tellThatAllAreThere();
    return m_plan.scope == StageScope::Model ? applyTo(m_plan.targets, m_allValues, nullptr) : core::success();
}

core::Status StageRun::enterModel()
{
    const std::vector<std::string> names = m_context.model.entryTensors();
    PSC_ASSIGN(const LoadedTensors entry, isOriginal() ? LoadedTensors::loadOriginal(m_context.tensors, names)
                                                       : LoadedTensors::load(m_context.tensors, names));
    return m_flow->enter(entry);
}

core::Status StageRun::passBlock(int block)
{
    {
        PSC_ASSIGN(LoadedTensors tensors, m_reader->take(block));
        PSC_ASSIGN(const StatisticValues values, walkSteps(block, tensors));
        if (appliesOnTheWay())
            return core::success();
        if (isOriginal())
            storeStatistics(block, values);
        PSC_TRY(applyTargetsOf(block, values));
    }
    if (isOriginal() || m_plan.scope == StageScope::Model || block == lastBlock())
        return core::success();
    // The outputs so far are those of the weights before this stage: pass again with the new ones.
    PSC_ASSIGN(const LoadedTensors tensors,
               LoadedTensors::load(m_context.tensors, m_context.model.blockTensors(block)));
    return m_flow->pass(block, tensors);
}

core::Result<StatisticValues> StageRun::walkSteps(int block, LoadedTensors& tensors)
{
    const Inputs wanted = inputsOf(block);
    // Outputs are needed by the next block, unless there is none or the block is passed again with new weights.
    const bool needsOutputs =
        block < lastBlock() && (appliesOnTheWay() || isOriginal() || m_plan.scope == StageScope::Model);
    Inputs seen;
    StatisticValues all;
    PSC_TRY(m_flow->begin(block, tensors, !needsOutputs));
    while (!m_flow->isThrough() && seen.size() < wanted.size()) {
        PSC_TRY(walkStep(wanted, seen, tensors, all));
        if (seen.size() < wanted.size())
            PSC_TRY(m_flow->advance());
    }
    if (!needsOutputs) {
        m_flow->abandon();
        return all;
    }
    while (!m_flow->isThrough())
        PSC_TRY(m_flow->advance());
    PSC_TRY(m_flow->finish());
    return all;
}

core::Status StageRun::walkStep(const Inputs& wanted, Inputs& seen, LoadedTensors& tensors, StatisticValues& all)
{
    Inputs here;
    PSC_TRY(m_flow->visit([&](std::size_t sample, const std::vector<StepInput>& inputs) -> core::Status {
        for (const StepInput& input : inputs) {
            if (wanted.contains(input.name))
                here.emplace(input.name);
        }
        m_collector->add(sample, inputs, wanted);
        return core::success();
    }));
    core::Result<StatisticValues> finished = m_collector->finish();
    if (!finished.ok()) {
        PSC_TRY(requireFiniteWeights(targetsReading(wanted), tensors)); // which say more than what follows from them
        return finished.error();
    }
    StatisticValues values = std::move(finished).value();
    m_context.log.statisticsComputed += static_cast<int>(values.size());
    if (appliesOnTheWay())
        PSC_TRY(applyTo(targetsReading(here), values, &tensors));
    else
        all.merge(values);
    seen.merge(here);
    return core::success();
}

core::Status StageRun::requireFiniteWeights(const std::vector<std::size_t>& targets, LoadedTensors& loaded) const
{
    std::vector<const Unit*> units;
    for (const std::size_t target : targets)
        units.push_back(&m_units[target]);
    const StatisticValues none;
    DerivedValues nothing;
    return UnitTask(std::move(units), none, nothing, m_context, &loaded).readWeights();
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
    DerivedValues derived = isOriginal() ? DerivedValues(
                                               m_context.cache.tensors(),
                                               [&](const std::string& input, const std::string& statistic) {
                                                   return cacheKey(input, requestOf(statistic));
                                               },
                                               m_context.tensors.device())
                                         : DerivedValues();
    for (std::size_t first = 0; first < targets.size(); first += perCall) {
        if (m_context.observer.isCancelled())
            return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
        std::vector<const Unit*> units;
        for (std::size_t i = first; i < first + perCall; ++i)
            units.push_back(&m_units[targets[i]]);
        UnitTask task(std::move(units), values, derived, m_context, loaded);
        PSC_TRY(task.readWeights());
        const auto start = std::chrono::steady_clock::now();
        const core::Status applied = guarded("applying the stage", [&] { return m_stage.apply(task); });
        if (!applied.ok())
            return applied.error().withContext(scopeOf(*task.units().front()));
        task.recordSeconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        task.recordErrors();
        for (const Unit* unit : task.units())
            PSC_TRY(m_context.tensors.spill(unit->tensor));
    }
    return core::success();
}

/// What one call of the stage covers, of which `unit` is the first one.
std::string StageRun::scopeOf(const Unit& unit) const
{
    switch (m_plan.scope) {
    case StageScope::Model:
        return "the model";
    case StageScope::Block:
        return unit.block < 0 ? "outside the blocks" : "block " + std::to_string(unit.block);
    case StageScope::Tensor:
        break;
    }
    return unit.module;
}

std::vector<std::size_t> StageRun::targetsOf(int block) const
{
    std::vector<std::size_t> found;
    std::copy_if(m_plan.targets.begin(), m_plan.targets.end(), std::back_inserter(found),
                 [&](std::size_t target) { return m_units[target].block == block; });
    return found;
}

std::vector<std::size_t> StageRun::targetsReading(const Inputs& inputs) const
{
    std::vector<std::size_t> found;
    std::copy_if(m_plan.targets.begin(), m_plan.targets.end(), std::back_inserter(found),
                 [&](std::size_t target) { return inputs.contains(m_units[target].input); });
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

const StatisticRequest& StageRun::requestOf(const std::string& statistic) const
{
    const auto found = std::find_if(m_plan.statistics.begin(), m_plan.statistics.end(),
                                    [&](const StatisticRequest& request) { return request.id == statistic; });
    PSC_ASSERT(found != m_plan.statistics.end(), "a statistic that a stage reads was in its plan");
    return *found;
}

core::Json StageRun::cacheKey(const std::string& input, const StatisticRequest& request) const
{
    return {{"of", m_context.calibration->identity},
            {"input", input},
            {"statistic", request.id},
            {"version", request.version},
            {"options", request.options}};
}

/// One process gathers the statistics of a model, the others take them out of the cache as they come.
/// @return nothing when they are ours to gather
std::optional<StatisticValues> StageRun::awaitStatistics(int block)
{
    if (!m_claim && !hasStatistics(block))
        m_claim = m_context.cache.artifacts().awaitClaim(core::ArtifactKind::Collection, claimKey(), [&] {
            return !hasStatistics(block) && m_context.observer.goesOnWaiting();
        });
    return cachedStatistics(block);
}

bool StageRun::hasStatistics(int block) const
{
    for (const std::string& input : inputsOf(block)) {
        for (const StatisticRequest& request : m_plan.statistics) {
            if (!m_context.cache.contains(cacheKey(input, request)))
                return false;
        }
    }
    return true;
}

core::Json StageRun::claimKey() const
{
    core::Json requests = core::Json::array();
    for (const StatisticRequest& request : m_plan.statistics)
        requests.push_back(cacheKey({}, request));
    return requests;
}

/// For coordinators, which do not know the inputs of a model's layers.
void StageRun::tellThatAllAreThere() const
{
    if (!m_context.calibration->collectionKey || m_plan.targets.size() != m_units.size())
        return;
    std::vector<std::string> ids;
    core::Json keys = core::Json::array();
    for (const StatisticRequest& request : m_plan.statistics) {
        ids.push_back(request.id);
        for (int block = 0; block <= lastBlock(); ++block) {
            for (const std::string& input : inputsOf(block))
                keys.push_back(cacheKey(input, request));
        }
    }
    const core::Json key = m_context.calibration->collectionKey(ids);
    core::ArtifactCache& cache = m_context.cache.artifacts();
    if (!cache.contains(core::ArtifactKind::Collection, key))
        cache.store(core::ArtifactKind::Collection, key, {{"statistics", std::move(keys)}}, {});
}

std::optional<StatisticValues> StageRun::cachedStatistics(int block) const
{
    StatisticValues values;
    for (const std::string& input : inputsOf(block)) {
        for (const StatisticRequest& request : m_plan.statistics) {
            auto value = m_context.cache.find(cacheKey(input, request));
            if (!value)
                return std::nullopt;
            value->value = toDevice(value->value, m_context.tensors.device());
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

int StageRun::firstBlock() const
{
    const TrialRecovery* recovery = m_context.recovery;
    return recovery && recovery->position().step == m_context.step ? recovery->position().block : -1;
}

/// Stages that work on the whole model at once have nothing to keep before their end.
void StageRun::keep(int nextBlock)
{
    if (m_context.recovery && m_plan.scope != StageScope::Model && nextBlock <= lastBlock())
        m_context.recovery->save({m_context.step, nextBlock}, m_context.tensors, m_context.log,
                                 m_flow ? &m_flow->states() : nullptr);
}

core::Status StageRun::report(int block) const
{
    m_context.observer.progressed("compress", std::max(block, 0), m_context.model.view().blocks);
    if (m_context.observer.isCancelled())
        return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
    return core::success();
}

core::Status begin(Stage& stage, const PipelineContext& context)
{
    const StatisticValues none;
    DerivedValues nothing;
    UnitTask task({}, none, nothing, context, nullptr);
    return stage.begin(task);
}

} // namespace

core::Status runStage(Stage& stage, const PipelineContext& context)
{
    return guarded("running the stage", [&]() -> core::Status {
        PSC_ASSIGN(StagePlan plan, stage.prepare(context.model.view()));
        std::sort(plan.targets.begin(), plan.targets.end());
        const Hooks added = plan.evaluationHooks;
        const KvStoreFactory kvStore = plan.kvStore;
        TrialRecovery* recovery = context.recovery;
        if (recovery && recovery->position().step > context.step)
            return core::success(); // done by an earlier process
        if (recovery && (plan.keepsState || !added.empty() || kvStore))
            recovery->pause();
        PSC_TRY(begin(stage, context));
        PSC_TRY(StageRun(stage, std::move(plan), context).run());
        if (recovery)
            recovery->save({context.step + 1, -1}, context.tensors, context.log, nullptr);
        context.parts.hooks.insert(context.parts.hooks.end(), added.begin(), added.end());
        if (kvStore)
            context.parts.kvStore = kvStore;
        return core::success();
    });
}

core::Status cutStage(Stage& stage, const PipelineContext& context)
{
    return guarded("cutting what the stage made", [&]() -> core::Status {
        TrialRecovery* recovery = context.recovery;
        if (recovery && recovery->position().step > context.step)
            return core::success(); // done by an earlier process
        context.observer.progressed("compress", context.model.view().blocks, context.model.view().blocks);
        PSC_ASSIGN(const StagePlan plan, stage.prepare(context.model.view()));
        std::vector<const Unit*> units;
        for (const std::size_t target : plan.targets)
            units.push_back(&context.model.view().units[target]);
        const StatisticValues none;
        DerivedValues nothing;
        UnitTask task(units, none, nothing, context, nullptr);
        PSC_TRY(stage.cut(task));
        PSC_TRY(task.recordCutErrors());
        for (const Unit* unit : units)
            PSC_TRY(context.tensors.spill(unit->tensor));
        if (recovery)
            recovery->save({context.step + 1, -1}, context.tensors, context.log, nullptr);
        return core::success();
    });
}

} // namespace paretoscope::engine
