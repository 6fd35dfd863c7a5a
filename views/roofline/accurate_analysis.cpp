// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/analysis_modes.h"
#include "views/roofline/step_analysis.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::views {

namespace {

using roofline::Derivation;
using roofline::StepPrediction;

/// Pieces into which the decode steps of a whole answer are cut for its table of operations. FLOPs and bytes are linear
/// in the length and so exact; the time of an operation whose bound changes inside a piece is not.
constexpr double kChatPieces = 32;

core::Result<roofline::Execution> executionOf(const RooflineCase& wanted)
{
    const RooflineSetting& setting = wanted.setting;
    roofline::Execution execution;
    if (wanted.stored) {
        execution = wanted.stored->execution;
    } else if (!setting.weightFormat.empty()) {
        PSC_ASSIGN(execution.weights, roofline::namedWeightFormat(setting.weightFormat));
    } else {
        execution.weights = roofline::plainWeightFormat(setting.weightBits);
    }
    execution.setActivationBits(setting.activationBits);
    execution.kv.bits = setting.kvBits;
    execution.attention = setting.flash ? roofline::AttentionKernel::Flash : roofline::AttentionKernel::Eager;
    execution.parallel.tensor = setting.tensorParallel;
    execution.parallel.pipeline = setting.pipelineParallel;
    execution.parallel.microBatches = setting.microBatches;
    execution.parallel.expert = setting.expertParallel;
    return execution;
}

core::Result<StepContext> contextOf(const RooflineCase& wanted)
{
    PSC_ASSIGN(roofline::Execution execution, executionOf(wanted));
    const roofline::Efficiency efficiency = efficiencyOf(wanted.setting);
    PSC_ASSIGN(roofline::Ceilings ceilings, roofline::Ceilings::of(wanted.device, efficiency));
    const roofline::ModelShape& model = wanted.stored ? wanted.stored->shape : wanted.model->shape.value();
    return StepContext {model, wanted.device, std::move(execution), efficiency, std::move(ceilings)};
}

core::Result<StepPrediction> predict(const StepContext& context, const roofline::Step& step)
{
    return roofline::predictStep(context.model, context.execution, step, context.ceilings,
                                 roofline::geometryOf(context.device));
}

/// Sums of an operation over the passes of an answer; what bounds it is what bounds it for the longer time.
class AnswerSum
{
public:
    explicit AnswerSum(std::vector<AnalysedOperation> prefill)
        : m_operations(std::move(prefill))
        , m_boundSeconds(m_operations.size())
    {
        for (std::size_t i = 0; i < m_operations.size(); ++i)
            m_boundSeconds[i][std::size_t(m_operations[i].bound)] = m_operations[i].seconds;
    }

    void add(const std::vector<AnalysedOperation>& step, double times)
    {
        std::vector<std::size_t> places;
        for (const AnalysedOperation& each : step) {
            const std::size_t at = placeOf(each, places);
            places.push_back(at);
            AnalysedOperation& sum = m_operations[at];
            sum.flops += times * each.flops;
            sum.weightBytes += times * each.weightBytes;
            sum.activationBytes += times * each.activationBytes;
            sum.cacheBytes += times * each.cacheBytes;
            sum.seconds += times * each.seconds;
            m_boundSeconds[at][std::size_t(each.bound)] += times * each.seconds;
        }
    }

    std::vector<AnalysedOperation> take()
    {
        for (std::size_t i = 0; i < m_operations.size(); ++i) {
            AnalysedOperation& sum = m_operations[i];
            const auto most = std::max_element(m_boundSeconds[i].begin(), m_boundSeconds[i].end());
            sum.bound = roofline::Bound(most - m_boundSeconds[i].begin());
            sum.derivations = {{"bytes", "sum over the prefill and all decode steps", {}, sum.bytes(), "B"},
                               {"matrix_flops", "sum over the prefill and all decode steps", {}, sum.flops, "FLOP"},
                               {"time", "sum over the prefill and all decode steps", {}, sum.seconds, "s"}};
        }
        return std::move(m_operations);
    }

private:
    /// Decoding may take other operations than the prefill (latent attention): those stand behind their section.
    std::size_t placeOf(const AnalysedOperation& wanted, const std::vector<std::size_t>& places)
    {
        for (std::size_t i = 0; i < m_operations.size(); ++i) {
            const AnalysedOperation& known = m_operations[i];
            if (known.section == wanted.section && known.firstLayer == wanted.firstLayer && known.name == wanted.name)
                return i;
        }
        AnalysedOperation added = wanted;
        added.flops = added.weightBytes = added.activationBytes = added.cacheBytes = added.seconds = 0;
        for (int& input : added.inputs)
            input = input < 0 ? input : int(places[std::size_t(input)]);
        m_operations.push_back(std::move(added));
        m_boundSeconds.emplace_back();
        return m_operations.size() - 1;
    }

    std::vector<AnalysedOperation> m_operations;
    std::vector<std::array<double, 4>> m_boundSeconds;
};

core::Result<std::vector<AnalysedOperation>>
answerOperations(const StepContext& context, const RooflineSetting& setting, const StepPrediction& prefill)
{
    AnswerSum sum(operationsOf(prefill, context, roofline::Step::prefill(setting.batch, setting.prompt), false));
    const double first = setting.prompt + 1;
    const double last = setting.prompt + setting.generated - 1;
    const auto add = [&](double visible, double times) -> core::Status {
        const roofline::Step step = roofline::Step::decode(setting.batch, visible);
        PSC_ASSIGN(const StepPrediction prediction, predict(context, step));
        sum.add(operationsOf(prediction, context, step, false), times);
        return core::success();
    };
    const double pieces = std::min(kChatPieces, std::ceil((last - first + 1) / 2));
    double from = first;
    for (double piece = 1; piece <= pieces; ++piece) {
        const double to = piece == pieces ? last : first - 1 + std::floor((last - first + 1) * piece / pieces);
        const double steps = to - from + 1;
        PSC_TRY(add(from, from == to ? 1 : steps / 2));
        if (to > from)
            PSC_TRY(add(to, steps / 2));
        from = to + 1;
    }
    return sum.take();
}

core::Result<RooflineAnalysis> analysePass(const StepContext& context, const RooflineSetting& setting)
{
    const double tokens = context.model.imageTokens > 0 ? context.model.imageTokens : setting.prompt;
    const roofline::Step step = roofline::Step::prefill(setting.batch, tokens);
    PSC_ASSIGN(const roofline::PassPrediction prediction,
               roofline::predictPasses(context.model, context.execution, {.images = setting.batch, .tokens = tokens},
                                       context.device, context.efficiency));
    RooflineAnalysis analysis;
    analysis.operations = operationsOf(prediction.pass, context, step, true);
    analysis.roofs = usedRoofs(prediction.pass, context, setting);
    analysis.passSeconds = prediction.pass.seconds;
    analysis.times = {barOf("pass", prediction.pass)};
    analysis.memory = prediction.memory;
    analysis.results = {
        {"total_time", "time of one pass: the sum over its operations", {}, prediction.totalSeconds, "s"},
        {"images_per_second", "images / time",
         roofline::plainNumber(setting.batch) + " / " + roofline::plainNumber(prediction.totalSeconds),
         setting.batch / prediction.totalSeconds, "1/s"},
        {"memory", "weights + activations + overhead", {}, prediction.memory.total(), "B"}};
    appendStep(analysis.results, prediction.pass, context);
    PSC_ASSIGN(analysis.explanation, roofline::explain(context.model, context.execution, step, context.device,
                                                       context.efficiency, prediction.pass));
    return analysis;
}

core::Status appendSpeculation(std::vector<Derivation>& results, const StepContext& context, const RooflineCase& wanted,
                               const roofline::Request& request)
{
    if (!wanted.draft)
        return core::success();
    if (!wanted.draft->shape.ok())
        return wanted.draft->shape.error();
    const double acceptance = wanted.setting.acceptance / 100.0;
    const int drafted = wanted.setting.drafted;
    PSC_ASSIGN(const roofline::SpeculationPrediction speculation,
               roofline::predictSpeculation(context.model, wanted.draft->shape.value(), context.execution, request,
                                            acceptance, drafted, context.device, context.efficiency));
    const std::string steps = std::to_string(drafted) + " · " + roofline::plainNumber(speculation.draftStep) + " + " +
                              roofline::plainNumber(speculation.verifyStep);
    results.push_back({"speculative_tokens", "(1 - a^(γ+1)) / (1 - a)",
                       "a = " + roofline::plainNumber(acceptance) + ", γ = " + std::to_string(drafted),
                       speculation.tokens, "tokens"});
    results.push_back({"speculative_time_per_token", "(γ · step of the draft + step on γ+1 tokens) / tokens per cycle",
                       "(" + steps + ") / " + roofline::plainNumber(speculation.tokens), speculation.perToken, "s"});
    results.push_back(
        {"speculative_speedup", "step without a draft / time per token",
         roofline::plainNumber(speculation.targetStep) + " / " + roofline::plainNumber(speculation.perToken),
         speculation.speedup, "×"});
    return core::success();
}

/// The answer; of a trial with its weights at their true size.
core::Result<roofline::GenerationPrediction> predictAnswer(const StepContext& context, const RooflineCase& wanted,
                                                           const roofline::Request& request)
{
    PSC_ASSIGN(
        roofline::GenerationPrediction prediction,
        roofline::predictGeneration(context.model, context.execution, request, context.device, context.efficiency));
    if (wanted.stored)
        prediction.setWeightBytes(wanted.stored->storedBytes, context.device);
    return prediction;
}

core::Result<RooflineAnalysis> analyseAnswer(const StepContext& context, const RooflineCase& wanted)
{
    const RooflineSetting& setting = wanted.setting;
    const roofline::Request request = requestOf(setting);
    PSC_ASSIGN(const roofline::GenerationPrediction prediction, predictAnswer(context, wanted, request));
    const StepPrediction& shown = shownStep(prediction, setting);
    const roofline::Step step = stepOf(setting);
    RooflineAnalysis analysis;
    analysis.roofs = usedRoofs(shown, context, setting);
    if (setting.stage == RooflineStage::Chat) {
        PSC_ASSIGN(analysis.operations, answerOperations(context, setting, prediction.prefill));
    } else {
        analysis.operations = operationsOf(shown, context, step, true);
        PSC_ASSIGN(analysis.explanation, roofline::explain(context.model, context.execution, step, context.device,
                                                           context.efficiency, shown));
    }
    analysis.passSeconds = shown.seconds;
    analysis.times = {barOf("prefill", prediction.prefill), barOf("decode", prediction.decode)};
    analysis.memory = prediction.memory;
    analysis.results = roofline::derivationsOf(prediction, request);
    PSC_TRY(appendSpeculation(analysis.results, context, wanted, request));
    if (setting.stage != RooflineStage::Chat)
        appendStep(analysis.results, shown, context);
    if (context.device.memoryBytes) {
        PSC_ASSIGN(const std::int64_t batch,
                   roofline::largestBatch(context.model, context.execution, request, *context.device.memoryBytes));
        PSC_ASSIGN(const std::int64_t prompt,
                   roofline::longestPrompt(context.model, context.execution, request, *context.device.memoryBytes));
        analysis.results.push_back(
            {"largest_batch", "the most sequences that fit into the memory", {}, double(batch), {}});
        analysis.results.push_back(
            {"longest_prompt", "the most prompt tokens that fit into the memory", {}, double(prompt), {}});
    }
    return analysis;
}

} // namespace

core::Result<RooflineAnalysis> analyseAccurately(const RooflineCase& wanted)
{
    PSC_ASSIGN(const StepContext context, contextOf(wanted));
    PSC_ASSIGN(RooflineAnalysis analysis,
               context.model.vocabulary > 0 ? analyseAnswer(context, wanted) : analysePass(context, wanted.setting));
    analysis.capacityBytes = wanted.device.memoryBytes.value_or(0);
    takeShares(analysis);
    return analysis;
}

core::Result<std::vector<Derivation>> accurateResults(const RooflineCase& wanted)
{
    PSC_ASSIGN(const StepContext context, contextOf(wanted));
    const RooflineSetting& setting = wanted.setting;
    if (context.model.vocabulary == 0) {
        PSC_ASSIGN(RooflineAnalysis pass, analysePass(context, setting));
        return std::move(pass.results);
    }
    const roofline::Request request = requestOf(setting);
    PSC_ASSIGN(const roofline::GenerationPrediction prediction, predictAnswer(context, wanted, request));
    std::vector<Derivation> results = roofline::derivationsOf(prediction, request);
    PSC_TRY(appendSpeculation(results, context, wanted, request));
    if (setting.stage != RooflineStage::Chat)
        appendStep(results, shownStep(prediction, setting), context);
    return results;
}

} // namespace paretoscope::views
