// SPDX-License-Identifier: Apache-2.0
#include "core/engine/runner/model_maker.h"

#include "core/engine/build_info.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/host/service_host.h"
#include "core/engine/runner/kept_model.h"
#include "core/engine/runner/stopwatch.h"
#include "core/engine/stage/stage_order.h"
#include "core/sweep/shared_work.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

/// What ran out of memory says what was expected.
core::Error withEstimate(core::Error error, const core::MemoryEstimate& estimate)
{
    if (error.code == core::ErrorCode::OutOfMemory)
        error.message += "; the estimate was " + std::to_string(estimate.peak.value >> 20) + " MiB";
    return error;
}

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

core::Json recoveryKey(const RunnerSession& session, const core::TrialRequest& request)
{
    core::Json protocols = core::Json::array();
    for (const int index : request.measurements)
        protocols.push_back(request.identity.protocolIds.at(static_cast<std::size_t>(index)));
    return {{"trial", request.id.hex()},
            {"protocols", std::move(protocols)},
            {"threads", session.options.threads},
            {"device", session.options.device},
            {"arithmetic", session.options.arithmetic},
            {"build", buildName()}};
}

/// Brings tensors and log to where an earlier process came with this trial, or behind the steps that another trial
/// went through already, whichever is further. @return the step to go on with
int resume(RunnerSession& session, const core::TrialRequest& request, MadeModel& made, TrialObserver& observer)
{
    const ModelTensors untouched = made.tensors;
    const std::vector<std::string> told = made.log.warnings;
    made.recovery.restore(made.tensors, made.log);
    session.prefixes.enter(request, [&] { return observer.goesOnWaiting(); });
    for (int steps = session.prefixes.longest(); steps > made.recovery.position().step; --steps) {
        std::optional<PrefixState> state = session.prefixes.find(steps, made.tensors.layouts());
        if (!state)
            continue;
        made.recovery.startOver();
        made.tensors = untouched;
        for (auto& [name, tensor] : state->replaced) {
            made.tensors.replace(name, std::move(tensor));
            static_cast<void>(made.tensors.spill(name)); // should the scratch disk be full, it stays in memory
        }
        made.log = std::move(state->log);
        made.log.warnings.insert(made.log.warnings.end(), told.begin(), told.end());
        session.prefixes.keep(steps, made.tensors, made.log);
        return steps;
    }
    return 0;
}

/// The same for a model that was kept: only its evaluation may go on. A process that was still compressing came less
/// far than what was kept, and its tensors would undo later steps.
void resumeKept(int steps, MadeModel& made)
{
    ModelTensors restored = made.tensors;
    TrialLog restoredLog = made.log;
    made.recovery.restore(restored, restoredLog);
    if (made.recovery.position().step < steps) {
        made.recovery.startOver();
        return;
    }
    made.tensors = std::move(restored);
    made.log = std::move(restoredLog);
}

core::Result<std::vector<std::unique_ptr<Stage>>> makeStages(RunnerSession& session, const core::Pipeline& pipeline)
{
    std::vector<std::unique_ptr<Stage>> stages;
    for (const core::StageSpec& spec : pipeline.stages) {
        PSC_ASSIGN(std::unique_ptr<Stage> stage, session.plugins.makeStage(spec));
        const core::Status valid =
            guarded("checking " + spec.plugin, [&] { return stage->validate(session.model->graph().view()); });
        if (!valid.ok())
            return valid.error().withContext(spec.plugin);
        stages.push_back(std::move(stage));
    }
    PSC_TRY(checkOrder(pipeline, session.plugins.catalogue(), session.model->graph().view()));
    return stages;
}

core::Result<std::optional<Calibration>> readCalibration(RunnerSession& session, const core::TrialRequest& request)
{
    if (!request.workload.calibration || !request.pipeline.needsCalibration())
        return std::optional<Calibration>();
    PSC_ASSIGN(core::TokenSequences sequences, session.model->calibration(*request.workload.calibration));
    if (request.identity.calibrationCorpus && sequences.corpusDigest != *request.identity.calibrationCorpus)
        return core::Error {core::ErrorCode::Corrupt,
                            request.workload.calibration->corpus.string() + " changed after the sweep was planned",
                            "run the sweep again"};
    for (const std::vector<std::int32_t>& sequence : sequences.sequences)
        PSC_TRY(session.model->graph().requireLength(sequence.size()));
    core::Json identity = session.numericalConditions();
    identity["model"] = session.model->digest().hex();
    identity["tokens"] = sequences.idsDigest.hex();
    identity["sequences"] = sequences.sequences.size();
    const core::ComputeConditions conditions {session.options.threads, session.options.device};
    const auto collectionKey = [request, conditions](const std::vector<std::string>& statistics) {
        return core::collectionKey(request.workload, request.identity, statistics, conditions);
    };
    return std::optional(Calibration {std::move(sequences.sequences), std::move(identity), collectionKey});
}

/// The steps before `first` are done. Keeps what other trials have in common with this one.
core::Status compress(RunnerSession& session, const core::TrialRequest& request,
                      const std::vector<std::unique_ptr<Stage>>& stages, int first, PipelineContext& context)
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
        if (isExact && context.parts.empty())
            session.prefixes.keep(i + 1, context.tensors, context.log);
    }
    return core::success();
}

} // namespace

core::Result<std::unique_ptr<MadeModel>> makeModel(RunnerSession& session, const core::TrialRequest& request,
                                                   TrialObserver& observer)
{
    const Stopwatch total;
    PSC_TRY(session.warmUp(request.workload.model, observer));
    if (session.model->digest() != request.identity.model)
        return core::Error {core::ErrorCode::Corrupt,
                            request.workload.model.string() + " changed after the sweep was planned",
                            "run the sweep again"};
    PSC_ASSIGN(const std::vector<std::unique_ptr<Stage>> stages, makeStages(session, request.pipeline));
    PSC_ASSIGN(const std::optional<Calibration> calibration, readCalibration(session, request));
    auto made = std::make_unique<MadeModel>(session.model->tensors(), session.options.cacheFolder,
                                            recoveryKey(session, request));
    PSC_ASSIGN(made->estimate, session.plan(request.workload, request.pipeline, request.attempt));
    made->loadSeconds = total.seconds();

    made->tensors.readWith(session.plugins.layouts());
    if (made->estimate.plan.spillsReplacements)
        made->tensors.spillTo(std::make_shared<core::ScratchFile>(made->estimate.plan.scratch));
    made->isKept = takeKept(request, session.model->digest(), made->tensors, made->log);
    if (made->isKept)
        resumeKept(static_cast<int>(request.pipeline.steps().size()), *made);
    else
        made->sharedSteps = resume(session, request, *made, observer);
    const std::vector<std::vector<std::int32_t>> noSamples;
    ServiceHost services({session.model->graph(), made->tensors, calibration ? calibration->samples : noSamples,
                          made->parts.hooks, made->parts.kvStore, observer, session.auxiliaryLimit(),
                          session.options.architectures,
                          CommandSettings {session.options.allowsCommands, request.workload.model,
                                           core::scratchFolder(session.options.cacheFolder)}});
    PipelineContext context {session.model->graph(),
                             made->tensors,
                             calibration ? &*calibration : nullptr,
                             session.plugins.statistics(),
                             session.statistics,
                             services,
                             observer,
                             made->log,
                             request.seed,
                             made->parts,
                             made->estimate.plan,
                             &made->recovery};
    if (!made->isKept) {
        const core::Status compressed = compress(session, request, stages, made->sharedSteps, context);
        session.prefixes.leave();
        if (!compressed.ok())
            return withEstimate(compressed.error(), made->estimate);
    }
    made->compressSeconds = total.seconds() - made->loadSeconds;
    return made;
}

} // namespace paretoscope::engine
