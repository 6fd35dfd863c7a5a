// SPDX-License-Identifier: Apache-2.0
#include "core/memory/memory_estimate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kFloat = 4;
/// The worker with its libraries before it reads a model: pages of libtorch that were touched, buffers of its GEMM.
constexpr std::int64_t kProcess = std::int64_t(185) << 20;
constexpr std::int64_t kProcessPerThread = std::int64_t(12) << 20;
/// Freed memory that the allocator keeps; with a budget it gives nearly everything back.
constexpr std::int64_t kSlack = std::int64_t(96) << 20;
constexpr std::int64_t kSlackWithin = std::int64_t(24) << 20;
constexpr std::int64_t kLogitRows = 128; ///< as in the evaluator
/// Sequences that pass the blocks together while weights stay in memory, as in the evaluator.
constexpr std::int64_t kBatchActivations = std::int64_t(256) << 20;
constexpr std::int64_t kBytesPerToken = 3;

std::optional<std::int64_t> blockOf(std::string_view name)
{
    for (std::size_t begin = 0; begin < name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        const std::string_view part = name.substr(begin, end - begin);
        if (!part.empty() && std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; }))
            return std::stoll(std::string(part.substr(0, 9)));
        begin = end + 1;
    }
    return std::nullopt;
}

std::int64_t elementsOf(const ExpectedTensor& tensor)
{
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape)
        count *= size;
    return count;
}

void addMatrix(ModelSizes& sizes, const ExpectedTensor& tensor)
{
    const std::int64_t out = tensor.shape.front();
    const std::int64_t in = tensor.shape.back();
    sizes.matrices.value += elementsOf(tensor) * kFloat;
    sizes.widest = std::max({sizes.widest, out, in});
    if (in > sizes.widestInput) {
        sizes.widestInput = in;
        sizes.outOfWidest = 0;
    }
    if (in == sizes.widestInput)
        sizes.outOfWidest = std::max(sizes.outOfWidest, out);
}

} // namespace

ModelSizes modelSizes(const Architecture& architecture, const Checkpoint& checkpoint)
{
    ModelSizes sizes;
    std::map<std::int64_t, std::int64_t> blocks;
    for (const ExpectedTensor& tensor : architecture.tensors()) {
        const std::int64_t bytes = elementsOf(tensor) * kFloat;
        sizes.weights.value += bytes;
        if (const TensorInfo* stored = checkpoint.find(tensor.name))
            sizes.largestStored = std::max(sizes.largestStored, stored->stored);
        if (const auto block = blockOf(tensor.name)) {
            blocks[*block] += bytes;
            if (tensor.shape.size() > 1)
                addMatrix(sizes, tensor);
        } else if (tensor.name == architecture.head.weight) {
            sizes.head.value += bytes;
        } else if (tensor.shape.size() > 1) {
            sizes.entry.value += bytes;
        }
        if (tensor.name == architecture.head.weight && tensor.name == architecture.entry.embedding)
            sizes.entry.value += bytes;
    }
    for (const auto& [block, bytes] : blocks)
        sizes.largestBlock = std::max(sizes.largestBlock, Bytes {bytes});
    sizes.hidden = architecture.hiddenSize;
    sizes.vocabulary = architecture.vocabSize;
    return sizes;
}

namespace {

Bytes fileBytes(const std::filesystem::path& file)
{
    std::error_code problem;
    const auto bytes = std::filesystem::file_size(file, problem);
    return {problem ? 0 : static_cast<std::int64_t>(bytes)};
}

/// Sequences of a metric; options that are not of windows count as a file of short items.
TokenLoad evaluationLoad(const MetricSpec& metric, Bytes text)
{
    TokenLoad load;
    load.longest = metric.options.value("length", std::int64_t(512));
    const std::int64_t all = text.value / kBytesPerToken;
    const std::int64_t windows = metric.options.value("windows", std::int64_t(0));
    const std::int64_t stride = std::max<std::int64_t>(1, metric.options.value("stride", std::int64_t(0)));
    const std::int64_t step = stride > 1 ? stride : load.longest;
    if (metric.name == "greedy_match") {
        load.sequences = metric.options.value("prompts", std::int64_t(100));
        load.longest =
            metric.options.value("length", std::int64_t(64)) + metric.options.value("tokens", std::int64_t(64));
        load.tokens = load.sequences * load.longest;
        return load;
    }
    load.sequences = windows > 0 ? windows : std::max<std::int64_t>(1, all / step);
    load.tokens = load.sequences * load.longest;
    return load;
}

void addStage(TrialLoad& load, const StageSpec& stage, const PluginCatalogue& plugins)
{
    load.replacesWeights = true;
    const auto found = plugins.find(stage.plugin);
    const PluginManifest* manifest = found.ok() ? found.value() : nullptr;
    bool hessian = !manifest;
    if (manifest && manifest->needs.is_object()) {
        for (const Json& statistic : manifest->needs.value("statistics", Json::array()))
            hessian = hessian || statistic == "hessian";
    }
    if (hessian) {
        load.statisticPerSquare = 12; // float64 sums, and the float32 value made from them
        load.valuePerSquare = 4;
    }
    const Json hint = manifest && manifest->costHint.is_object() ? manifest->costHint : Json::object();
    load.workPerSquare = std::max(load.workPerSquare, hint.value("bytes_per_squared_input", manifest ? 0.0 : 8.0));
    load.workPerWeight = std::max(load.workPerWeight, hint.value("bytes_per_weight", 8.0));
}

} // namespace

TrialLoad trialLoad(const WorkloadSpec& workload, const Pipeline& pipeline, const PluginCatalogue& plugins, int threads)
{
    TrialLoad load;
    load.threads = threads;
    std::set<std::filesystem::path> read;
    std::set<std::string> counted; // equal sequences are computed once
    for (const MetricSpec& metric : workload.evaluate) {
        const std::filesystem::path file = metric.options.value("corpus", metric.options.value("file", ""));
        const Bytes text = fileBytes(file);
        if (read.insert(file).second)
            load.text += text;
        const std::filesystem::path baseline = metric.options.value("baseline", workload.model.string());
        load.readsOtherBaseline = load.readsOtherBaseline || baseline != workload.model;
        load.referenceHeads += metric.name == "kl_divergence" ? 1 : 0;
        Json sequences = metric.options;
        sequences.erase("baseline");
        if (!counted.insert(sequences.dump()).second)
            continue;
        const TokenLoad more = evaluationLoad(metric, text);
        load.evaluation.sequences += more.sequences;
        load.evaluation.tokens += more.tokens;
        load.evaluation.longest = std::max(load.evaluation.longest, more.longest);
    }
    for (const StageSpec& stage : pipeline.stages)
        addStage(load, stage, plugins);
    if (pipeline.needsCalibration() && workload.calibration) {
        const CalibrationSpec& calibration = *workload.calibration;
        load.calibration = {calibration.samples, calibration.length,
                            std::int64_t(calibration.samples) * calibration.length};
        if (read.insert(calibration.corpus).second)
            load.text += fileBytes(calibration.corpus);
    }
    return load;
}

namespace {

/// Adds up the peak of one trial under one plan.
class Peak
{
public:
    Peak(const ModelSizes& model, const TrialLoad& load, bool hasBudget)
        : m_model(model)
        , m_load(load)
        , m_hasBudget(hasBudget)
    {}

    /// Everything but activations between blocks.
    std::int64_t without(const MemoryPlan& plan) const
    {
        return always(plan) + std::max({entry(plan), evaluationBlock(plan), otherBaseline(plan), head(plan),
                                        gathering(plan), applying(plan)});
    }
    /// Activations of all samples between two blocks.
    std::int64_t states(const MemoryPlan& plan) const
    {
        const std::int64_t row = m_model.hidden * kFloat;
        const std::int64_t evaluated = m_load.evaluation.tokens * row;
        return std::max(plan.keepsWeights ? std::min(evaluated, kBatchActivations) : evaluated,
                        m_load.calibration.tokens * row);
    }
    /// Replaced weights as they lie in memory: a byte a code, scales and zero points.
    std::int64_t replaced() const { return m_load.replacesWeights ? m_model.matrices.value * 9 / 32 : 0; }

private:
    std::int64_t always(const MemoryPlan& plan) const
    {
        return kProcess + kProcessPerThread * m_load.threads + (m_hasBudget ? kSlackWithin : kSlack) +
               3 * m_load.text.value + (plan.keepsWeights ? m_model.weights.value : 0) +
               (plan.spillsReplacements ? 0 : replaced()) +
               (m_load.readsOtherBaseline && !m_hasBudget ? m_model.weights.value : 0);
    }
    std::int64_t inFlight(const MemoryPlan& plan) const
    {
        return static_cast<std::int64_t>(std::min(plan.inFlight, static_cast<std::size_t>(m_load.threads)));
    }
    /// Weights of the block in hand and the one read ahead; what is kept anyway counts once.
    std::int64_t blocks(const MemoryPlan& plan) const
    {
        const std::int64_t one = m_model.largestBlock.value;
        if (plan.keepsWeights)
            return m_load.replacesWeights ? one * (plan.readsAhead ? 2 : 1) : 0;
        return one * (plan.readsAhead ? 2 : 1) + m_model.largestStored.value / 8;
    }
    /// What one sequence allocates on its way through a block: residual stream, attention or the MLP's wide
    /// activations.
    std::int64_t sequence(std::int64_t tokens) const
    {
        return tokens * kFloat * (3 * m_model.hidden + std::max(8 * m_model.hidden, 4 * m_model.widest));
    }
    std::int64_t entry(const MemoryPlan& plan) const
    {
        return m_model.largestStored.value + (plan.keepsWeights ? 0 : m_model.entry.value);
    }
    std::int64_t evaluationBlock(const MemoryPlan& plan) const
    {
        return blocks(plan) + inFlight(plan) * sequence(m_load.evaluation.longest);
    }
    /// The rows that a head makes at once.
    std::int64_t logits() const
    {
        return std::min(kLogitRows, m_load.evaluation.longest) * m_model.vocabulary * kFloat;
    }
    std::int64_t head(const MemoryPlan& plan) const
    {
        return (plan.keepsWeights ? 0 : m_model.head.value + m_model.largestStored.value) +
               inFlight(plan) * 3 * logits() + comparing(plan);
    }
    /// A baseline's logits beside the model's: its hidden states of a window and its head, which is at hand only where
    /// it is that of the model in memory.
    std::int64_t comparing(const MemoryPlan& plan) const
    {
        if (m_load.referenceHeads == 0)
            return 0;
        const std::int64_t states = m_load.evaluation.longest * m_model.hidden * kFloat;
        const bool isAtHand = plan.keepsWeights && !m_load.readsOtherBaseline;
        return inFlight(plan) * (2 * logits() + states) + (isAtHand ? 0 : m_load.referenceHeads * m_model.head.value);
    }
    /// The pass over another model; it is not kept within a budget.
    std::int64_t otherBaseline(const MemoryPlan& plan) const
    {
        if (!m_load.readsOtherBaseline)
            return 0;
        const std::int64_t block = m_model.largestBlock.value * (plan.readsAhead ? 2 : 1) +
                                   inFlight(plan) * sequence(m_load.evaluation.longest);
        return m_model.largestStored.value + std::max({block, m_model.entry.value, m_model.head.value});
    }
    std::int64_t square() const { return m_model.widestInput * m_model.widestInput; }
    /// Samples that wait inside a block: the residual stream and the widest activation that a unit reads.
    std::int64_t passes(const MemoryPlan& plan) const
    {
        if (m_load.calibration.tokens == 0 || !plan.keepsPasses)
            return 0;
        return m_load.calibration.tokens * kFloat * (m_model.hidden + m_model.widestInput);
    }
    std::int64_t gathering(const MemoryPlan& plan) const
    {
        if (m_load.calibration.tokens == 0)
            return 0;
        return blocks(plan) + passes(plan) + inFlight(plan) * sequence(m_load.calibration.longest) +
               std::int64_t(m_load.statisticPerSquare * double(square()));
    }
    std::int64_t applying(const MemoryPlan& plan) const
    {
        if (!m_load.replacesWeights)
            return 0;
        const std::int64_t weight = m_model.widestInput * m_model.outOfWidest;
        return blocks(plan) + passes(plan) + kFloat * weight +
               std::int64_t((m_load.valuePerSquare + m_load.workPerSquare) * double(square()) +
                            m_load.workPerWeight * double(weight));
    }

    const ModelSizes& m_model;
    const TrialLoad& m_load;
    bool m_hasBudget;
};

/// From the fastest to the smallest.
std::vector<MemoryPlan> candidates(bool mayKeepWeights)
{
    std::vector<MemoryPlan> plans;
    if (mayKeepWeights)
        plans.push_back({});
    for (const auto& [ahead, passes, inFlight] :
         std::array<std::tuple<bool, bool, std::size_t>, 5> {{{true, true, SIZE_MAX},
                                                              {true, false, SIZE_MAX},
                                                              {false, true, SIZE_MAX},
                                                              {false, false, SIZE_MAX},
                                                              {false, false, 1}}}) {
        MemoryPlan plan;
        plan.keepsWeights = false;
        plan.readsAhead = ahead;
        plan.keepsPasses = passes;
        plan.inFlight = inFlight;
        plan.spillsReplacements = true;
        plans.push_back(plan);
    }
    return plans;
}

} // namespace

MemoryEstimate planMemory(const ModelSizes& model, const TrialLoad& load, std::optional<Bytes> budget, Bytes physical)
{
    const Peak peak(model, load, budget.has_value());
    const std::int64_t limit = budget ? budget->value : physical.value / 10 * 9;
    MemoryEstimate estimate;
    // Without a budget other workers and programs need memory too.
    for (const MemoryPlan& plan : candidates(budget || model.weights.value <= physical.value / 4)) {
        const std::int64_t fixed = peak.without(plan);
        const std::int64_t states = peak.states(plan);
        estimate.plan = plan;
        // Weights stay only where nothing has to be spilled for them.
        const std::int64_t room = std::max<std::int64_t>(0, limit - fixed);
        const std::int64_t kept = std::min(states, room);
        estimate.peak = {fixed + kept};
        estimate.scratch = {states - kept + (plan.spillsReplacements ? peak.replaced() : 0)};
        if (kept < states)
            estimate.plan.activations = {kept};
        if (fixed <= limit && (!plan.keepsWeights || kept == states))
            break;
    }
    estimate.least = {peak.without(candidates(false).back())};
    return estimate;
}

MemoryEstimate planFrugally(const ModelSizes& model, const TrialLoad& load, std::optional<Bytes> budget)
{
    const Peak peak(model, load, budget.has_value());
    MemoryEstimate estimate;
    estimate.plan = candidates(false).back();
    estimate.plan.inFlight = static_cast<std::size_t>(std::max(1, load.threads / 2));
    estimate.plan.activations = {};
    estimate.peak = {peak.without(estimate.plan)};
    estimate.scratch = {peak.states(estimate.plan) + peak.replaced()};
    estimate.least = {peak.without(candidates(false).back())};
    return estimate;
}

Status requireWithin(const MemoryEstimate& estimate, std::optional<Bytes> budget)
{
    if (!budget || estimate.peak.value <= budget->value)
        return success();
    const auto mebibytes = [](Bytes bytes) { return std::to_string((bytes.value + (1 << 20) - 1) >> 20) + " MiB"; };
    return Error {ErrorCode::OutOfMemory,
                  "a memory budget of " + mebibytes(*budget) + " is too small for this trial, which needs " +
                      mebibytes(estimate.least),
                  "give at least --memory-budget " + std::to_string((estimate.least.value + (1 << 20) - 1) >> 20) +
                      "MiB, fewer --threads, or shorter sequences"};
}

} // namespace paretoscope::core
