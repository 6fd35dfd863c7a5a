// SPDX-License-Identifier: GPL-3.0-or-later
#include "roofline/llm_viewer/derivation.h"
#include "roofline/llm_viewer/graph.h"
#include "roofline/llm_viewer/inputs.h"
#include "views/roofline/analysis_modes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace paretoscope::views {

namespace {

namespace lv = roofline::llm_viewer;
using roofline::Derivation;

lv::Profile profileOf(const RooflineSetting& setting)
{
    return setting.mode == RooflineMode::Lv2407 ? lv::Profile::Lv2407 : lv::Profile::Lv2409;
}

lv::Setting settingOf(const RooflineSetting& setting)
{
    return {.batchSize = setting.batch,
            .sequenceLength = setting.prompt,
            .weightBits = setting.weightBits,
            .activationBits = setting.activationBits,
            .kvBits = setting.kvBits,
            .flashAttention = setting.flash,
            .tensorParallel = double(setting.tensorParallel)};
}

/// Adds decode steps at sampled lengths to a prefill, as the chat stage of LLM-Viewer does; also their times, which it
/// keeps to the totals.
core::Status addDecodeSteps(lv::Stage& sum, lv::Profile profile, const lv::Model& model, const lv::Hardware& hardware,
                            const RooflineSetting& setting)
{
    const std::vector<double> lengths = lv::chatLengths(setting.prompt, setting.generated);
    const double samples = double(lengths.size());
    for (const double length : lengths) {
        lv::Setting step = settingOf(setting);
        step.sequenceLength = length;
        step.tensorParallel = 1;
        PSC_ASSIGN(const lv::Analysis analysis, lv::analyse(profile, model, hardware, step));
        sum.totals.addScaled(analysis.decode.totals, setting.generated, samples);
        for (std::size_t i = 0; i < sum.operations.size(); ++i) {
            for (const auto member :
                 {&lv::Operation::operations, &lv::Operation::loadWeight, &lv::Operation::loadActivation,
                  &lv::Operation::storeActivation, &lv::Operation::loadKvCache, &lv::Operation::storeKvCache,
                  &lv::Operation::memoryAccess, &lv::Operation::inferenceTime})
                sum.operations[i].*member += analysis.decode.operations[i].*member * setting.generated / samples;
        }
    }
    for (lv::Operation& operation : sum.operations) {
        operation.arithmeticIntensity = operation.operations / operation.memoryAccess;
        operation.performance = operation.operations / operation.inferenceTime;
    }
    return core::success();
}

/// A stage of LLM-Viewer and what else is drawn with it.
struct Computed
{
    lv::Hardware hardware;
    lv::Analysis analysis;
    lv::Stage stage;
};

core::Result<Computed> compute(const lv::Model& model, const roofline::HardwareSpec& device,
                               const RooflineSetting& setting)
{
    const lv::Profile profile = profileOf(setting);
    Computed computed;
    PSC_ASSIGN(computed.hardware, lv::hardwareFrom(device));
    PSC_ASSIGN(computed.analysis, lv::analyse(profile, model, computed.hardware, settingOf(setting)));
    computed.stage = setting.stage == RooflineStage::Decode ? computed.analysis.decode : computed.analysis.prefill;
    if (setting.stage == RooflineStage::Chat)
        PSC_TRY(addDecodeSteps(computed.stage, profile, model, computed.hardware, setting));
    return computed;
}

std::vector<Derivation> resultsOf(const lv::Totals& totals)
{
    static const std::vector<std::pair<std::string_view, std::string_view>> described {
        {"flops", "FLOP"},           {"bytes", "B"},          {"load_weight", "B"},
        {"load_act", "B"},           {"store_act", "B"},      {"load_kv_cache", "B"},
        {"store_kv_cache", "B"},     {"total_time", "s"},     {"memory", "B"},
        {"memory_activations", "B"}, {"memory_weights", "B"}, {"memory_cache", "B"}};
    std::vector<Derivation> results;
    const auto& members = lv::totalMembers();
    for (std::size_t i = 0; i < members.size() && i < described.size(); ++i)
        results.push_back({described[i].first,
                           "LLM-Viewer's total_results." + std::string(members[i].first),
                           {},
                           totals.*members[i].second,
                           described[i].second});
    return results;
}

roofline::OperationKind kindOf(std::string_view name)
{
    using enum roofline::OperationKind;
    static constexpr std::array<std::pair<std::string_view, roofline::OperationKind>, 2> kOwn {
        {{"out_proj", Projection}, {"fused_attention", Attention}}};
    const auto own = std::find_if(kOwn.begin(), kOwn.end(), [&](const auto& each) { return each.first == name; });
    if (own != kOwn.end())
        return own->second;
    const roofline::OperationNote* note = roofline::noteOf(name);
    return note ? note->kind : Elementwise;
}

std::vector<AnalysedOperation> operationsOf(const Computed& computed, const lv::Model& model,
                                            const std::vector<lv::GraphNode>& graph, const RooflineSetting& setting)
{
    std::vector<AnalysedOperation> list;
    const double tokens = setting.stage == RooflineStage::Decode ? setting.batch : setting.batch * setting.prompt;
    for (const lv::Operation& each : computed.stage.operations) {
        const bool isHead = each.name == "lm_head";
        AnalysedOperation operation {.section = isHead ? "head" : "layer",
                                     .firstLayer = isHead ? -1 : 0,
                                     .count = isHead ? 1 : model.layers,
                                     .name = std::string(each.name),
                                     .kind = kindOf(each.name),
                                     .flops = each.operations,
                                     .weightBytes = each.loadWeight,
                                     .activationBytes = each.loadActivation + each.storeActivation,
                                     .cacheBytes = each.loadKvCache + each.storeKvCache,
                                     .seconds = each.inferenceTime,
                                     .bound = each.isMemoryBound ? roofline::Bound::Memory : roofline::Bound::Compute,
                                     .peak = computed.analysis.peakOperations,
                                     .bandwidth = computed.hardware.bandwidth,
                                     .isDrawn = isHead,
                                     .derivations = {}};
        const double stored =
            each.storeActivation / (setting.activationBits / 8) + each.storeKvCache / (setting.kvBits / 8);
        if (setting.stage != RooflineStage::Chat && !isHead && each.name != "fused_attention")
            operation.shape = {tokens, stored / tokens};
        if (setting.stage != RooflineStage::Chat)
            operation.derivations = lv::derivationsOf(each, computed.hardware, computed.analysis.peakOperations,
                                                      setting.stage == RooflineStage::Prefill);
        if (isHead)
            operation.inputs = {-1};
        list.push_back(std::move(operation));
    }
    const auto indexOf = [&](std::string_view name) {
        const auto found =
            std::find_if(list.begin(), list.end(), [&](const AnalysedOperation& each) { return each.name == name; });
        return found == list.end() ? -1 : int(found - list.begin());
    };
    for (const lv::GraphNode& node : graph) {
        const int at = indexOf(node.name);
        if (at < 0)
            continue; // input and output
        list[std::size_t(at)].isDrawn = true;
        for (const std::string_view input : node.inputs)
            list[std::size_t(at)].inputs.push_back(indexOf(input));
    }
    return list;
}

TimeBar barOf(const char* id, const lv::Stage& stage, double layers)
{
    TimeBar bar {.id = id};
    for (const lv::Operation& operation : stage.operations)
        bar.seconds[std::size_t(kindOf(operation.name))] +=
            (operation.name == "lm_head" ? 1 : layers) * operation.inferenceTime;
    return bar;
}

} // namespace

core::Result<RooflineAnalysis> analyseAsLlmViewer(const lv::Model& model, const roofline::HardwareSpec& device,
                                                  const RooflineSetting& setting)
{
    PSC_ASSIGN(const std::vector<lv::GraphNode> graph, lv::layerGraph(model, setting.flash));
    PSC_ASSIGN(const Computed computed, compute(model, device, setting));
    const bool isInt8 = setting.weightBits <= 8 && setting.activationBits <= 8 && setting.kvBits <= 8;
    const lv::Totals& totals = computed.stage.totals;
    RooflineAnalysis analysis;
    analysis.operations = operationsOf(computed, model, graph, setting);
    if (const auto roof = roofOf(device, isInt8 ? roofline::NumberType::Int8 : roofline::NumberType::Fp16, setting))
        analysis.roofs = {*roof};
    analysis.results = resultsOf(totals);
    analysis.times = {barOf("prefill", computed.analysis.prefill, model.layers),
                      barOf("decode", computed.analysis.decode, model.layers)};
    analysis.memory = {.weights = totals.memoryConsumptionWeight,
                       .cache = totals.memoryConsumptionKvCache,
                       .activations = totals.memoryConsumptionTmpAct};
    analysis.capacityBytes = device.memoryBytes.value_or(0);
    takeShares(analysis);
    return analysis;
}

core::Result<std::vector<Derivation>> llmViewerResults(const lv::Model& model, const roofline::HardwareSpec& device,
                                                       const RooflineSetting& setting)
{
    PSC_ASSIGN(const Computed computed, compute(model, device, setting));
    return resultsOf(computed.stage.totals);
}

} // namespace paretoscope::views
