// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/analysis.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace paretoscope::roofline::llm_viewer {

namespace {

using core::Error;
using core::ErrorCode;

constexpr double kMostTokens = 2147483648.0;
constexpr double kMostGenerated = 1048576.0;

std::string shown(double value)
{
    return core::canonicalJson(core::Json(value));
}

/// `value` in [1, 2^31]; NaN is refused too.
core::Status requireCount(const char* name, double value)
{
    if (value >= 1 && value <= kMostTokens)
        return core::success();
    return Error {ErrorCode::InvalidArgument,
                  std::string(name) + " must be at least 1 (and at most 2^31), not " + shown(value),
                  "give a whole number of sequences or tokens"};
}

core::Status requireBits(const char* name, double bits)
{
    if (bits > 0 && bits <= 64)
        return core::success();
    return Error {ErrorCode::InvalidArgument, std::string(name) + " is " + shown(bits),
                  "give bits above 0, at most 64"};
}

core::Status requireRate(const char* name, double value, double most)
{
    if (value > 0 && value <= most)
        return core::success();
    return Error {ErrorCode::InvalidArgument, "hardware has no " + std::string(name) + ": it is " + shown(value),
                  "state it in SI units"};
}

core::Status requireDivides(double parallel, const char* name, double value)
{
    if (std::fmod(value, parallel) == 0)
        return core::success();
    return Error {ErrorCode::InvalidArgument, std::string("tp_size does not divide ") + name,
                  "choose a size that divides " + shown(value)};
}

core::Status check(Profile profile, const Model& model, const Hardware& hardware, const Setting& setting)
{
    PSC_TRY(requireCount("batchsize", setting.batchSize));
    PSC_TRY(requireCount("seqlen", setting.sequenceLength));
    PSC_TRY(requireBits("w_bit", setting.weightBits));
    PSC_TRY(requireBits("a_bit", setting.activationBits));
    PSC_TRY(requireBits("kv_bit", setting.kvBits));
    PSC_TRY(requireRate("bandwidth", hardware.bandwidth, 1e17));
    PSC_TRY(requireRate("FP16 peak", hardware.fp16, 1e19));
    if (hardware.int8)
        PSC_TRY(requireRate("INT8 peak", *hardware.int8, 1e19));
    if (setting.flashAttention)
        PSC_TRY(requireRate("onchip_buffer", hardware.onchipBuffer, 1e17));
    PSC_TRY(requireCount("tp_size", setting.tensorParallel));
    if (setting.tensorParallel == 1)
        return core::success();
    if (profile == Profile::Lv2407)
        return Error {ErrorCode::InvalidArgument, "lv-2407 has no tensor parallelism", "use lv-2409, or tp_size 1"};
    PSC_TRY(requireDivides(setting.tensorParallel, "hidden_size", model.hidden));
    PSC_TRY(requireDivides(setting.tensorParallel, "intermediate_size", model.intermediate));
    return requireDivides(setting.tensorParallel, "num_key_value_heads", model.kvHeads);
}

/// Builds the operations of one stage (formulas: LLM-Viewer's model_analyzer.py).
class StageBuilder
{
public:
    StageBuilder(Profile profile, const Model& model, const Hardware& hardware, const Setting& setting, double peak,
                 bool prefill)
        : m_profile(profile)
        , m_model(model)
        , m_hardware(hardware)
        , m_setting(setting)
        , m_peak(peak)
        , m_isPrefill(prefill)
        , m_queries(prefill ? setting.sequenceLength : 1)
        , m_weightBytes(setting.weightBits / 8)
        , m_activationBytes(setting.activationBits / 8)
        , m_kvBytes(setting.kvBits / 8)
    {}

    Stage build();
    void addHead(Stage& stage);

private:
    void add(Operation operation);
    void addLinears();
    void linear(std::string_view name, double in, double out, bool isCached = false);
    void addAttention();
    void addFusedAttention();
    void addElementwise();
    void elementwise(std::string_view name, double operationsEach, double operands);

    Profile m_profile;
    const Model& m_model;
    const Hardware& m_hardware;
    const Setting& m_setting;
    double m_peak;
    bool m_isPrefill;
    double m_queries; ///< tokens per sequence that are computed
    double m_weightBytes;
    double m_activationBytes;
    double m_kvBytes;
    std::vector<Operation> m_operations;
};

void StageBuilder::add(Operation o)
{
    o.memoryAccess = o.loadWeight + o.loadActivation + o.storeActivation + o.loadKvCache + o.storeKvCache;
    const double turningPoint = m_peak / m_hardware.bandwidth;
    o.arithmeticIntensity = o.operations / o.memoryAccess;
    o.isMemoryBound = o.arithmeticIntensity < turningPoint;
    o.performance = o.isMemoryBound ? o.arithmeticIntensity * m_hardware.bandwidth : m_peak;
    o.inferenceTime = o.operations / o.performance;
    m_operations.push_back(o);
}

void StageBuilder::linear(std::string_view name, double in, double out, bool isCached)
{
    const double tokens = m_setting.batchSize * m_queries;
    add({.name = name,
         .operations = in * out * tokens * 2,
         .loadWeight = in * out * m_weightBytes,
         .loadActivation = in * tokens * m_activationBytes,
         .storeActivation = isCached ? 0 : out * tokens * m_activationBytes,
         .storeKvCache = isCached ? out * tokens * m_kvBytes : 0});
}

void StageBuilder::addLinears()
{
    const double hidden = m_model.hidden;
    const double tp = m_setting.tensorParallel;
    const auto share = [&](double size) { return m_profile == Profile::Lv2407 ? size : std::floor(size / tp); };
    const double kvWidth = m_profile == Profile::Lv2407
                               ? hidden * m_model.kvHeads / m_model.heads
                               : std::floor(std::floor(hidden * m_model.kvHeads / m_model.heads) / tp);
    const double intermediate = share(m_model.intermediate);
    linear("q_proj", hidden, share(hidden));
    linear("k_proj", hidden, kvWidth, true);
    linear("v_proj", hidden, kvWidth, true);
    linear("out_proj", share(hidden), hidden);
    if (m_model.countsGate)
        linear("gate_proj", hidden, intermediate);
    linear("up_proj", hidden, intermediate);
    linear("down_proj", intermediate, hidden);
}

void StageBuilder::addAttention()
{
    const double length = m_setting.sequenceLength;
    const double batch = m_setting.batchSize;
    const double heads = m_model.heads;
    const double headDim = m_model.headDim();
    const double loadKv = length * headDim * batch * m_model.kvHeads * m_kvBytes;
    const double queryBytes = m_queries * headDim * batch * heads * m_activationBytes;
    const double scoreBytes = m_queries * length * batch * heads * m_activationBytes;
    // LLM-Viewer sizes the queries of a prefill by the kv heads.
    const double loadedQueries =
        m_isPrefill ? m_queries * headDim * batch * m_model.kvHeads * m_activationBytes : queryBytes;
    const double products = m_queries * length * headDim * heads * batch * 2;
    add({.name = "qk_matmul",
         .operations = products,
         .loadActivation = loadedQueries,
         .storeActivation = scoreBytes,
         .loadKvCache = loadKv});
    add({.name = "sv_matmul",
         .operations = products,
         .loadActivation = scoreBytes,
         .storeActivation = queryBytes,
         .loadKvCache = loadKv});
    add({.name = "softmax",
         .operations = batch * heads * length * m_queries * 5,
         .loadActivation = scoreBytes,
         .storeActivation = scoreBytes});
}

void StageBuilder::addFusedAttention()
{
    const double length = m_setting.sequenceLength;
    const double batch = m_setting.batchSize;
    const double heads = m_model.heads;
    const double headDim = m_model.headDim();
    const double blockRows = std::min(std::ceil(m_hardware.onchipBuffer / (m_kvBytes * headDim)), headDim);
    const double blocks = std::ceil(m_queries / blockRows);
    const double cachedHeads = m_profile == Profile::Lv2407 ? heads : m_model.kvHeads;
    const double products = m_queries * length * headDim * heads * batch * 2;
    add({.name = "fused_attention",
         .operations = products + products + batch * heads * length * m_queries * 5,
         .loadActivation = m_queries * headDim * batch * heads * m_activationBytes,
         .storeActivation = m_queries * length * batch * heads * m_activationBytes * 2,
         .loadKvCache = blocks * length * headDim * batch * cachedHeads * m_kvBytes * 2});
}

void StageBuilder::elementwise(std::string_view name, double operationsEach, double operands)
{
    const double elements = m_setting.batchSize * m_model.hidden * m_queries;
    add({.name = name,
         .operations = elements * operationsEach,
         .loadActivation = elements * m_activationBytes * operands,
         .storeActivation = elements * m_activationBytes});
}

void StageBuilder::addElementwise()
{
    elementwise("attn_norm", 7, 1);
    if (m_model.hasMlpNorm)
        elementwise("mlp_norm", 7, 1);
    elementwise("attn_add", 1, 1);
    elementwise("mlp_add", 1, 1);
    elementwise("mlp_act", 2, 2);
}

Stage StageBuilder::build()
{
    addLinears();
    if (m_setting.flashAttention)
        addFusedAttention();
    else
        addAttention();
    addElementwise();
    Stage stage {.operations = std::move(m_operations)};
    for (const Operation& o : stage.operations) {
        stage.totals.operations += o.operations * m_model.layers;
        stage.totals.memoryAccess += o.memoryAccess * m_model.layers;
        stage.totals.loadWeight += o.loadWeight * m_model.layers;
        stage.totals.loadActivation += o.loadActivation * m_model.layers;
        stage.totals.storeActivation += o.storeActivation * m_model.layers;
        stage.totals.loadKvCache += o.loadKvCache * m_model.layers;
        stage.totals.storeKvCache += o.storeKvCache * m_model.layers;
        stage.totals.inferenceTime += o.inferenceTime * m_model.layers;
        stage.totals.memoryConsumptionTmpAct += o.storeActivation;
    }
    return stage;
}

void StageBuilder::addHead(Stage& stage)
{
    m_operations.clear();
    add({.name = "lm_head",
         .operations = m_setting.batchSize * m_model.hidden * m_model.vocabulary,
         .loadWeight = m_model.hidden * m_model.vocabulary * m_weightBytes,
         .loadActivation = m_model.hidden * m_activationBytes,
         .storeActivation = m_model.vocabulary * m_activationBytes});
    const Operation& head = m_operations.front();
    stage.totals.operations += head.operations;
    stage.totals.memoryAccess += head.memoryAccess;
    stage.totals.loadWeight += head.loadWeight;
    stage.totals.loadActivation += head.loadActivation;
    stage.totals.storeActivation += head.storeActivation;
    stage.totals.inferenceTime += head.inferenceTime;
    stage.operations.push_back(head);
}

} // namespace

void Totals::addScaled(const Totals& other, double numerator, double denominator)
{
    for (const auto& [name, member] : totalMembers())
        this->*member += other.*member * numerator / denominator;
}

const std::vector<std::pair<const char*, double Totals::*>>& totalMembers()
{
    static const std::vector<std::pair<const char*, double Totals::*>> members {
        {"OPs", &Totals::operations},
        {"memory_access", &Totals::memoryAccess},
        {"load_weight", &Totals::loadWeight},
        {"load_act", &Totals::loadActivation},
        {"store_act", &Totals::storeActivation},
        {"load_kv_cache", &Totals::loadKvCache},
        {"store_kv_cache", &Totals::storeKvCache},
        {"inference_time", &Totals::inferenceTime},
        {"memory_consumption", &Totals::memoryConsumption},
        {"memory_consumption_tmp_act", &Totals::memoryConsumptionTmpAct},
        {"memory_consumption_weight", &Totals::memoryConsumptionWeight},
        {"memory_consumption_kv_cache", &Totals::memoryConsumptionKvCache},
    };
    return members;
}

const Operation* Stage::find(std::string_view name) const
{
    const auto found =
        std::find_if(operations.begin(), operations.end(), [&](const Operation& o) { return o.name == name; });
    return found == operations.end() ? nullptr : &*found;
}

core::Result<double> peakOperations(const Hardware& hardware, const Setting& setting)
{
    if (setting.weightBits > 8 || setting.activationBits > 8 || setting.kvBits > 8)
        return hardware.fp16;
    if (!hardware.int8)
        return Error {ErrorCode::Unsupported, "hardware has no INT8 peak",
                      "LLM-Viewer needs one where weights, activations and cache have at most 8 bits"};
    return *hardware.int8;
}

core::Result<Analysis> analyse(Profile profile, const Model& model, const Hardware& hardware, const Setting& setting)
{
    PSC_TRY(check(profile, model, hardware, setting));
    PSC_ASSIGN(const double peak, peakOperations(hardware, setting));
    StageBuilder decode(profile, model, hardware, setting, peak, false);
    StageBuilder prefill(profile, model, hardware, setting, peak, true);
    Analysis analysis {.decode = decode.build(), .prefill = prefill.build(), .peakOperations = peak};
    const double weight = analysis.prefill.totals.loadWeight;
    const double cache = analysis.prefill.totals.storeKvCache;
    for (Stage* stage : {&analysis.decode, &analysis.prefill}) {
        stage->totals.memoryConsumptionWeight = weight;
        stage->totals.memoryConsumptionKvCache = cache;
        stage->totals.memoryConsumption = stage->totals.memoryConsumptionTmpAct + (weight + cache);
    }
    if (model.vocabulary > 0) {
        decode.addHead(analysis.decode);
        prefill.addHead(analysis.prefill);
    }
    return analysis;
}

core::Result<Generation> generate(Profile profile, const Model& model, const Hardware& hardware, const Setting& setting,
                                  double promptLength, double generationLength)
{
    PSC_TRY(requireCount("prompt_len", promptLength));
    PSC_TRY(requireCount("gen_len", generationLength));
    if (generationLength > kMostGenerated)
        return Error {ErrorCode::InvalidArgument, "gen_len is " + shown(generationLength), "give at most 2^20 tokens"};
    Setting step = setting;
    if (profile == Profile::Lv2407)
        step.flashAttention = false;
    step.sequenceLength = promptLength;
    PSC_ASSIGN(const Analysis prompt, analyse(profile, model, hardware, step));
    Generation result {.inferenceTime = prompt.prefill.totals.inferenceTime,
                       .prefillTime = prompt.prefill.totals.inferenceTime};
    for (double i = 0; i < generationLength; ++i) {
        step.sequenceLength = promptLength + i;
        PSC_ASSIGN(const Analysis token, analyse(profile, model, hardware, step));
        result.inferenceTime += token.decode.totals.inferenceTime;
    }
    return result;
}

} // namespace paretoscope::roofline::llm_viewer
