// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/analysis_modes.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::views {

namespace {

using roofline::Derivation;
using roofline::StepPrediction;

/// Pieces into which the decode steps of a whole answer are cut for its table of operations. FLOPs and bytes are linear
/// in the length and so exact; the time of an operation whose bound changes inside a piece is not.
constexpr double kChatPieces = 32;

core::Result<roofline::Execution> executionOf(const RooflineSetting& setting)
{
    roofline::Execution execution;
    execution.weights = roofline::plainWeightFormat(setting.weightBits);
    if (!setting.weightFormat.empty()) {
        PSC_ASSIGN(execution.weights, roofline::namedWeightFormat(setting.weightFormat));
    }
    execution.activations.bits = setting.activationBits;
    if (setting.activationBits < 16)
        execution.activations.codes = roofline::CodeKind::Integer;
    if (setting.activationBits > 16)
        execution.streamBits = setting.activationBits;
    execution.kv.bits = setting.kvBits;
    execution.attention = setting.flash ? roofline::AttentionKernel::Flash : roofline::AttentionKernel::Eager;
    execution.parallel.tensor = setting.tensorParallel;
    return execution;
}

/// What all steps of an analysis are computed with.
struct Context
{
    const roofline::ModelShape& model;
    const roofline::HardwareSpec& device;
    roofline::Execution execution;
    roofline::Efficiency efficiency;
    roofline::Ceilings ceilings;

    core::Result<StepPrediction> predict(const roofline::Step& step) const
    {
        return roofline::predictStep(model, execution, step, ceilings, roofline::geometryOf(device));
    }
};

core::Result<Context> contextOf(const roofline::ModelShape& model, const roofline::HardwareSpec& device,
                                const RooflineSetting& setting)
{
    PSC_ASSIGN(roofline::Execution execution, executionOf(setting));
    const roofline::Efficiency efficiency = efficiencyOf(setting);
    PSC_ASSIGN(roofline::Ceilings ceilings, roofline::Ceilings::of(device, efficiency));
    return Context {model, device, std::move(execution), efficiency, std::move(ceilings)};
}

/// Rows and columns of a result on one device; nothing where they are not whole numbers.
std::array<double, 2> shapeOf(const roofline::Operation& operation, const Context& context, double tokens)
{
    if (operation.rows > 0 && operation.columns > 0)
        return {operation.rows, operation.columns};
    const double width = operation.resultBytes / context.execution.streamBytes() / tokens;
    return width >= 1 && width == std::floor(width) ? std::array {tokens, width} : std::array {0.0, 0.0};
}

AnalysedOperation analysed(const roofline::Section& section, const roofline::Operation& operation,
                           const roofline::Timing& timing, const Context& context, const roofline::Step& step,
                           std::size_t offset)
{
    const roofline::OperationNote* note = roofline::noteOf(operation.name);
    const bool isHead = section.name == "head" && context.model.vocabulary > 0;
    AnalysedOperation result {.section = std::string(section.name),
                              .firstLayer = section.firstLayer,
                              .count = section.count,
                              .name = std::string(operation.name),
                              .kind = note ? note->kind : roofline::OperationKind::Elementwise,
                              .flops = operation.flops(),
                              .weightBytes = operation.weightBytes,
                              .activationBytes = operation.activationInBytes + operation.activationOutBytes,
                              .cacheBytes = operation.cacheReadBytes + operation.cacheWriteBytes,
                              .seconds = timing.total,
                              .bound = timing.bound,
                              .peak = roofline::peakFor(operation, context.ceilings, context.device),
                              .bandwidth = context.device.bandwidthBytesPerSecond,
                              .shape = shapeOf(operation, context, isHead ? step.logitRows : step.tokens())};
    for (const std::int16_t input : operation.inputs) {
        if (input != roofline::Operation::kNone)
            result.inputs.push_back(input == roofline::Operation::kStream ? -1 : int(offset) + input);
    }
    return result;
}

std::vector<AnalysedOperation> operationsOf(const StepPrediction& prediction, const Context& context,
                                            const roofline::Step& step, bool explained)
{
    std::vector<AnalysedOperation> list;
    for (std::size_t s = 0; s < prediction.timings.size(); ++s) {
        const roofline::Section& section = prediction.operations.sections[s];
        const std::size_t offset = list.size();
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const roofline::Operation& operation = section.operations[i];
            const roofline::Timing& timing = prediction.timings[s][i];
            list.push_back(analysed(section, operation, timing, context, step, offset));
            if (explained)
                list.back().derivations = roofline::derivationsOf(operation, timing, context.ceilings, context.device);
        }
    }
    return list;
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

core::Result<std::vector<AnalysedOperation>> answerOperations(const Context& context, const RooflineSetting& setting,
                                                              const StepPrediction& prefill)
{
    AnswerSum sum(operationsOf(prefill, context, roofline::Step::prefill(setting.batch, setting.prompt), false));
    const double first = setting.prompt + 1;
    const double last = setting.prompt + setting.generated - 1;
    const auto add = [&](double visible, double times) -> core::Status {
        const roofline::Step step = roofline::Step::decode(setting.batch, visible);
        PSC_ASSIGN(const StepPrediction prediction, context.predict(step));
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

TimeBar barOf(const char* id, const StepPrediction& prediction)
{
    TimeBar bar {.id = id};
    for (std::size_t s = 0; s < prediction.timings.size(); ++s) {
        const roofline::Section& section = prediction.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const roofline::OperationNote* note = roofline::noteOf(section.operations[i].name);
            const auto kind = note ? note->kind : roofline::OperationKind::Elementwise;
            bar.seconds[std::size_t(kind)] += section.count * prediction.timings[s][i].total;
        }
    }
    return bar;
}

/// The roofs of the number types that the operations of a pass run in.
std::vector<Roof> usedRoofs(const StepPrediction& prediction, const Context& context, const RooflineSetting& setting)
{
    std::vector<Roof> roofs;
    const auto add = [&](std::optional<roofline::NumberType> type) {
        const std::optional<Roof> roof = type ? roofOf(context.device, *type, setting) : std::nullopt;
        if (roof && std::find(roofs.begin(), roofs.end(), *roof) == roofs.end())
            roofs.push_back(*roof);
    };
    bool isVector = false;
    for (const roofline::Section& section : prediction.operations.sections) {
        for (const roofline::Operation& operation : section.operations) {
            if (operation.matrixFlops > 0)
                add(context.ceilings.numberType(operation.matrixType));
            isVector = isVector || (operation.matrixFlops <= 0 && operation.vectorFlops > 0);
        }
    }
    if (isVector)
        add(roofline::NumberType::Fp32);
    return roofs;
}

void appendStep(std::vector<Derivation>& results, const StepPrediction& step, const Context& context)
{
    results.push_back({"flops", "sum over the operations of the stage", {}, step.flops, "FLOP"});
    results.push_back({"bytes", "sum over the operations of the stage", {}, step.bytes, "B"});
    for (const roofline::Bound bound :
         {roofline::Bound::Memory, roofline::Bound::Compute, roofline::Bound::Launch, roofline::Bound::Communication}) {
        static constexpr std::array<std::string_view, 4> kNames {"compute_share", "memory_share", "launch_share",
                                                                 "communication_share"};
        results.push_back({kNames[std::size_t(bound)],
                           "time of the operations that it bounds / time of the stage",
                           {},
                           step.boundShare(bound),
                           {}});
    }
    if (step.layerSeconds > 0)
        results.push_back({"mbu",
                           "bytes / (time · bandwidth)",
                           roofline::plainNumber(step.bytes) + " / (" + roofline::plainNumber(step.layerSeconds) +
                               " · " + roofline::plainNumber(context.device.bandwidthBytesPerSecond) + ")",
                           step.bytes / step.layerSeconds / context.device.bandwidthBytesPerSecond,
                           {}});
}

core::Result<RooflineAnalysis> analysePass(const Context& context, const RooflineSetting& setting)
{
    const double tokens = context.model.imageTokens > 0 ? context.model.imageTokens : setting.prompt;
    const roofline::Step step = roofline::Step::prefill(setting.batch, tokens);
    PSC_ASSIGN(const roofline::PassPrediction prediction,
               roofline::predictPasses(context.model, context.execution, {.images = setting.batch, .tokens = tokens},
                                       context.device, context.efficiency));
    RooflineAnalysis analysis;
    analysis.operations = operationsOf(prediction.pass, context, step, true);
    analysis.roofs = usedRoofs(prediction.pass, context, setting);
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

roofline::Request requestOf(const RooflineSetting& setting)
{
    return {.batch = setting.batch, .prompt = setting.prompt, .generated = setting.generated};
}

core::Result<RooflineAnalysis> analyseAnswer(const Context& context, const RooflineSetting& setting)
{
    const roofline::Request request = requestOf(setting);
    PSC_ASSIGN(
        const roofline::GenerationPrediction prediction,
        roofline::predictGeneration(context.model, context.execution, request, context.device, context.efficiency));
    const bool isPrefill = setting.stage == RooflineStage::Prefill;
    const StepPrediction& shown = isPrefill ? prediction.prefill : prediction.decode;
    const roofline::Step step = isPrefill ? roofline::Step::prefill(setting.batch, setting.prompt)
                                          : roofline::Step::decode(setting.batch, setting.prompt + 1);
    RooflineAnalysis analysis;
    analysis.roofs = usedRoofs(shown, context, setting);
    if (setting.stage == RooflineStage::Chat) {
        PSC_ASSIGN(analysis.operations, answerOperations(context, setting, prediction.prefill));
    } else {
        analysis.operations = operationsOf(shown, context, step, true);
        PSC_ASSIGN(analysis.explanation, roofline::explain(context.model, context.execution, step, context.device,
                                                           context.efficiency, shown));
    }
    analysis.times = {barOf("prefill", prediction.prefill), barOf("decode", prediction.decode)};
    analysis.memory = prediction.memory;
    analysis.results = roofline::derivationsOf(prediction, request);
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

core::Result<RooflineAnalysis> analyseAccurately(const roofline::ModelShape& model,
                                                 const roofline::HardwareSpec& device, const RooflineSetting& setting)
{
    PSC_ASSIGN(const Context context, contextOf(model, device, setting));
    PSC_ASSIGN(RooflineAnalysis analysis,
               model.vocabulary > 0 ? analyseAnswer(context, setting) : analysePass(context, setting));
    analysis.capacityBytes = device.memoryBytes.value_or(0);
    takeShares(analysis);
    return analysis;
}

core::Result<std::vector<Derivation>>
accurateResults(const roofline::ModelShape& model, const roofline::HardwareSpec& device, const RooflineSetting& setting)
{
    PSC_ASSIGN(const Context context, contextOf(model, device, setting));
    if (model.vocabulary == 0) {
        PSC_ASSIGN(RooflineAnalysis pass, analysePass(context, setting));
        return std::move(pass.results);
    }
    const roofline::Request request = requestOf(setting);
    PSC_ASSIGN(const roofline::GenerationPrediction prediction,
               roofline::predictGeneration(model, context.execution, request, device, context.efficiency));
    std::vector<Derivation> results = roofline::derivationsOf(prediction, request);
    if (setting.stage != RooflineStage::Chat)
        appendStep(results, setting.stage == RooflineStage::Prefill ? prediction.prefill : prediction.decode, context);
    return results;
}

} // namespace paretoscope::views
