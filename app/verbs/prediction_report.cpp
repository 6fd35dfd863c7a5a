// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/prediction_report.h"

#include "app/format/number.h"
#include "app/format/trial_text.h"
#include "app/verbs/pass_report.h"
#include "app/verbs/step_text.h"
#include "core/base/near_miss.h"
#include "core/base/optional_json.h"
#include "roofline/hardware/hardware_json.h"
#include "roofline/measured/calibrated_prediction.h"
#include "roofline/prediction/energy.h"
#include "roofline/prediction/vision_language.h"
#include "roofline/trial/what_if.h"

namespace paretoscope::app {

namespace {

using roofline::StepPrediction;

/// All that was predicted for one request.
struct Report : RooflineInputs
{
    roofline::Request request;
    roofline::GenerationPrediction prediction;
    roofline::Explanation prefillExplanation;
    roofline::Explanation decodeExplanation;
    std::optional<std::int64_t> largestBatch;
    std::optional<std::int64_t> longestPrompt;
    std::optional<roofline::SpeculationPrediction> speculation;
    std::optional<roofline::VisionLanguagePrediction> phases; ///< of a model that reads images
    std::optional<roofline::Offload> offload;
};

core::Status fuse(roofline::Fusion& fusion, const std::string& name)
{
    using Member = bool roofline::Fusion::*;
    static const std::vector<std::pair<std::string, Member>> members {{"qkv", &roofline::Fusion::qkv},
                                                                      {"gate-up", &roofline::Fusion::gateUp},
                                                                      {"add-norm", &roofline::Fusion::addNorm},
                                                                      {"activation", &roofline::Fusion::activation},
                                                                      {"rope-store", &roofline::Fusion::rotaryStore},
                                                                      {"permutation", &roofline::Fusion::permutation}};
    std::vector<std::string> names {"all"};
    bool isKnown = name == "all";
    for (const auto& [known, member] : members) {
        names.push_back(known);
        if (name != known && name != "all")
            continue;
        isKnown = true;
        fusion.*member = true;
    }
    if (!isKnown)
        return core::Error {core::ErrorCode::InvalidArgument, "--fuse knows no \"" + name + "\"",
                            core::suggestion(name, names)};
    return core::success();
}

core::Status addSpeculation(Report& report, const RooflineRequest& request, const roofline::HardwareSpec& hardware,
                            const std::filesystem::path& families)
{
    PSC_ASSIGN(const NamedConfig draft, readConfig(request.draft));
    PSC_ASSIGN(const roofline::ModelShape shape, roofline::readModelShape(draft.config, families));
    PSC_ASSIGN(report.speculation, roofline::predictSpeculation(report.shape, shape, report.execution, report.request,
                                                                request.acceptancePercent / 100.0, request.drafted,
                                                                hardware, report.efficiency));
    return core::success();
}

core::Result<Report> predict(const RooflineRequest& request, RooflineInputs inputs,
                             const roofline::HardwareSpec& device, const std::filesystem::path& families)
{
    Report report;
    static_cast<RooflineInputs&>(report) = std::move(inputs);
    roofline::HardwareSpec hardware = device;
    report.request = request.load();
    const auto explained = [&](const roofline::Step& step, const StepPrediction& prediction) {
        return roofline::explain(report.shape, report.execution, step, hardware, report.efficiency, prediction);
    };
    if (report.vision) {
        PSC_ASSIGN(report.phases,
                   roofline::predictVisionLanguage({*report.vision, report.shape}, report.execution, report.request,
                                                   request.images, hardware, report.efficiency));
        report.prediction = report.phases->answer;
        if (report.storedBytes)
            report.prediction.setWeightBytes(*report.storedBytes, hardware);
        report.request.prompt = report.phases->readTokens;
    } else {
        PSC_ASSIGN(PredictedAnswer answer, predictAnswer(request, report, device));
        report.prediction = std::move(answer.prediction);
        report.offload = answer.offload;
        hardware = std::move(answer.hardware);
    }
    PSC_ASSIGN(
        report.prefillExplanation,
        explained(roofline::Step::prefill(report.request.batch, report.request.prompt), report.prediction.prefill));
    PSC_ASSIGN(
        report.decodeExplanation,
        explained(roofline::Step::decode(report.request.batch, report.request.prompt + 1), report.prediction.decode));
    if (hardware.memoryBytes) {
        PSC_ASSIGN(report.largestBatch,
                   roofline::largestBatch(report.shape, report.execution, report.request, *hardware.memoryBytes));
        PSC_ASSIGN(report.longestPrompt,
                   roofline::longestPrompt(report.shape, report.execution, report.request, *hardware.memoryBytes));
    }
    if (!request.draft.empty())
        PSC_TRY(addSpeculation(report, request, hardware, families));
    return report;
}

core::Json speculationJson(const std::optional<roofline::SpeculationPrediction>& speculation)
{
    if (!speculation)
        return nullptr;
    return {{"draft_step_seconds", speculation->draftStep},           {"target_step_seconds", speculation->targetStep},
            {"verify_step_seconds", speculation->verifyStep},         {"expected_tokens", speculation->tokens},
            {"time_per_output_token_seconds", speculation->perToken}, {"speedup", speculation->speedup}};
}

core::Json energyJson(const RooflineRequest& request)
{
    if (request.energy != "counted")
        return request.energy;
    return {{"joules_per_flop", request.picojoulesPerFlop * 1e-12},
            {"joules_per_byte", 8 * request.picojoulesPerBit * 1e-12},
            {"idle_watts", request.idleWatts}};
}

core::Json offloadJson(const std::optional<roofline::Offload>& offload)
{
    if (!offload)
        return nullptr;
    return {{"outside_bytes", offload->outsideBytes}, {"effective_bytes_per_second", offload->bytesPerSecond}};
}

/// Encoder, projector, prefill and decode steps one behind the other.
core::Json phasesJson(const Report& report)
{
    const roofline::VisionLanguagePrediction& phases = *report.phases;
    const roofline::GenerationPrediction& p = report.prediction;
    return core::Json::array({{{"phase", "vision"}, {"seconds", phases.encoderSeconds}},
                              {{"phase", "projector"}, {"seconds", phases.projectorSeconds}},
                              {{"phase", "prefill"}, {"seconds", p.prefill.seconds}, {"tokens", phases.readTokens}},
                              {{"phase", "decode"}, {"seconds", p.totalSeconds - p.timeToFirstToken}}});
}

core::Json document(const Report& report, const RooflineRequest& request, const roofline::HardwareSpec& hardware)
{
    const roofline::GenerationPrediction& p = report.prediction;
    core::Json json {{"schema", "paretoscope.roofline/1"},
                     {"mode", request.mode},
                     {"model", report.model},
                     {"family", report.shape.family},
                     {"parameters", report.shape.parameters()},
                     {"hardware", hardwareJson(hardware)},
                     {"settings", settingsJson(request)},
                     {"results",
                      {{"time_to_first_token_seconds", p.timeToFirstToken},
                       {"time_per_output_token_seconds", p.timePerOutputToken},
                       {"total_seconds", p.totalSeconds},
                       {"tokens_per_second", p.tokensPerSecond},
                       {"joules", core::orNull(p.joules)},
                       {"joules_per_token", core::orNull(roofline::joulesPerToken(p, report.request))},
                       {"memory",
                        {{"weight_bytes", p.memory.weights},
                         {"cache_bytes", p.memory.cache},
                         {"activation_bytes", p.memory.activations},
                         {"overhead_bytes", p.memory.overhead},
                         {"total_bytes", p.memory.total()},
                         {"fits", core::orNull(p.fits)},
                         {"largest_batch", core::orNull(report.largestBatch)},
                         {"longest_prompt", core::orNull(report.longestPrompt)}}},
                       {"offload", offloadJson(report.offload)},
                       {"speculation", speculationJson(report.speculation)},
                       {"prefill", stepJson(p.prefill, report.prefillExplanation, hardware)},
                       {"decode", stepJson(p.decode, report.decodeExplanation, hardware)}}}};
    if (report.phases) {
        json["results"]["phases"] = phasesJson(report);
        json["parameters"] = report.shape.parameters() + report.vision->parameters();
    }
    if (!report.trial.empty()) {
        json["trial"] = report.trial;
        json["remarks"] = report.remarks;
    }
    return json;
}

std::string memoryText(const Report& report)
{
    const roofline::MemoryNeed& memory = report.prediction.memory;
    std::string text = scaled(memory.total(), "B") + ": weights " + scaled(memory.weights, "B") + ", cache " +
                       scaled(memory.cache, "B") + ", activations " + scaled(memory.activations, "B") + ", overhead " +
                       scaled(memory.overhead, "B");
    if (report.prediction.fits)
        text += *report.prediction.fits ? "; fits" : "; does not fit";
    if (report.offload)
        text += ": " + scaled(report.offload->outsideBytes, "B") + " lie outside, all memory together counts as " +
                scaled(report.offload->bytesPerSecond, "B/s");
    if (report.largestBatch)
        text += ", largest batch " + std::to_string(*report.largestBatch) + ", longest prompt " +
                std::to_string(*report.longestPrompt);
    return text;
}

std::string summary(const Report& report, int width)
{
    const roofline::GenerationPrediction& p = report.prediction;
    std::string text;
    if (report.phases)
        text += labelled("images", shortTime(report.phases->encoderSeconds) + " in the encoder, " +
                                       shortTime(report.phases->projectorSeconds) + " in the projector, " +
                                       shortTime(p.prefill.seconds) + " for the prefill of " +
                                       grouped(static_cast<std::int64_t>(report.phases->readTokens)) + " tokens");
    text += labelled("first token", shortTime(p.timeToFirstToken) + " (prefill of " + scaled(p.prefill.flops, "FLOP") +
                                        ", " + scaled(p.prefill.bytes, "B") + ")");
    text += labelled("per token", shortTime(p.timePerOutputToken));
    text += labelled("whole answer", shortTime(p.totalSeconds) + ", " + significant(p.tokensPerSecond) + " tokens/s");
    if (report.speculation)
        text += labelled("speculating", shortTime(report.speculation->perToken) + " per token, " +
                                            significant(report.speculation->speedup, 3) + " times as fast: " +
                                            significant(report.speculation->tokens, 3) + " tokens per cycle");
    if (const auto joules = roofline::joulesPerToken(p, report.request))
        text += labelled("energy", significant(*joules) + " J per token");
    text += labelled("memory", memoryText(report), width);
    text += labelled("why not faster", "prefill: " + report.prefillExplanation.sentence(p.prefill.seconds), width);
    text += labelled("", "decode: " + report.decodeExplanation.sentence(p.decode.seconds), width);
    for (const std::string& remark : report.remarks)
        text += labelled(&remark == &report.remarks.front() ? "remarks" : "", remark, width);
    return text;
}

Outcome show(const Report& report, const RooflineRequest& request, const roofline::HardwareSpec& hardware,
             Session& session)
{
    Console& console = session.console;
    if (session.common.json) {
        console.document(document(report, request, hardware));
        return ExitStatus::Done;
    }
    const bool isPrefill = request.stage == "prefill";
    const StepPrediction& step = isPrefill ? report.prediction.prefill : report.prediction.decode;
    if (request.csv) {
        console.write(stepCsv(step));
        return ExitStatus::Done;
    }
    console.line(report.model + " (" + scaled(report.shape.parameters(), "parameters") + ") on " + hardware.name +
                 ", " + counted(request.batch, "sequence") + " of " + counted(request.prompt, "token") + ", " +
                 request.efficiency + " roofline");
    console.line(std::string(isPrefill ? "prefill" : "first decode step") + ", operations of one layer each:\n");
    console.write(operationTable(step).text(console.outStream()));
    console.write("\n" + summary(report, console.outStream().width));
    return ExitStatus::Done;
}

} // namespace

core::Result<RooflineInputs> rooflineInputs(const RooflineRequest& request, const NamedConfig& model,
                                            const std::filesystem::path& families)
{
    RooflineInputs inputs;
    inputs.model = model.name;
    PSC_ASSIGN(inputs.efficiency, efficiencyOf(request));
    PSC_ASSIGN(inputs.execution, executionOf(request));
    if (roofline::isVisionLanguage(model.config) && request.images > 0) {
        PSC_ASSIGN(roofline::VisionLanguageShape shape, roofline::readVisionLanguageShape(model.config, families));
        inputs.shape = std::move(shape.language);
        inputs.vision = std::move(shape.vision);
    } else {
        PSC_ASSIGN(inputs.shape, roofline::readModelShape(model.config, families));
    }
    if (request.imageTokens > 0)
        (inputs.vision ? *inputs.vision : inputs.shape).imageTokens = request.imageTokens;
    return inputs;
}

core::Result<PredictedAnswer> predictAnswer(const RooflineRequest& request, const RooflineInputs& inputs,
                                            const roofline::HardwareSpec& hardware)
{
    const roofline::Request load = request.load();
    PredictedAnswer answer {.hardware = hardware};
    const auto predictOnce = [&]() -> core::Status {
        PSC_ASSIGN(answer.prediction, roofline::predictGeneration(inputs.shape, inputs.execution, load, answer.hardware,
                                                                  inputs.efficiency));
        if (inputs.storedBytes)
            answer.prediction.setWeightBytes(*inputs.storedBytes, hardware);
        return core::success();
    };
    PSC_TRY(predictOnce());
    if (request.offloadBandwidth > 0)
        answer.offload = roofline::offload(answer.prediction.memory.total(), hardware, request.offloadBandwidth);
    if (answer.offload) {
        answer.hardware.bandwidthBytesPerSecond = answer.offload->bytesPerSecond;
        PSC_TRY(predictOnce());
    }
    if (request.energy == "counted") {
        const roofline::Parallelism& parallel = inputs.execution.parallel;
        const roofline::EnergyCoefficients coefficients {.joulesPerFlop = request.picojoulesPerFlop * 1e-12,
                                                         .joulesPerByte = 8 * request.picojoulesPerBit * 1e-12,
                                                         .idleWatts = request.idleWatts};
        answer.prediction.joules = roofline::countedJoules(answer.prediction, load.generated, coefficients) *
                                   parallel.tensor * parallel.pipeline * std::max(1, parallel.expert);
    }
    return answer;
}

core::Result<roofline::Execution> executionOf(const RooflineRequest& request)
{
    roofline::Execution execution;
    execution.weights = roofline::plainWeightFormat(request.weightBits, request.groupSize);
    if (!request.weightFormat.empty()) {
        PSC_ASSIGN(execution.weights, roofline::namedWeightFormat(request.weightFormat));
    }
    execution.setActivationBits(request.activationBits);
    if (request.kvBits > 0)
        execution.kv.bits = request.kvBits;
    if (request.eager)
        execution.attention = roofline::AttentionKernel::Eager;
    execution.parallel.tensor = request.tensorParallel;
    execution.parallel.pipeline = request.pipelineParallel;
    execution.parallel.expert = request.expertParallel;
    execution.parallel.microBatches = request.microBatches;
    execution.parallel.sequence = request.sequenceParallel;
    execution.weights.sparsity = request.sparsityPattern;
    if (request.rank > 0)
        execution.weights.lowRank = roofline::LowRank {.rank = static_cast<double>(request.rank), .replaces = true};
    execution.kv.keepRatio = request.kvKeep;
    execution.kv.keepTokens = request.kvKeepTokens;
    execution.kv.recentTokens = request.kvRecent;
    execution.kv.layersPerCache = request.kvLayers;
    execution.kv.observedQueries = request.kvObserved;
    execution.decodeSplits = request.kvSplits;
    execution.allowTf32 = request.tf32;
    execution.fp8Attention = request.fp8Attention;
    execution.parallel.expertImbalance = request.expertImbalance;
    execution.parallel.deduplicatedDispatch = request.deduplicatedDispatch;
    execution.dequantisationCost = request.dequantise;
    for (const std::string& name : request.fusions)
        PSC_TRY(fuse(execution.fusion, name));
    return execution;
}

core::Result<roofline::Efficiency> efficiencyOf(const RooflineRequest& request)
{
    PSC_ASSIGN(roofline::Efficiency efficiency, readEfficiency(request.efficiency));
    efficiency.tileQuantisation = request.tiles;
    efficiency.gather = request.gatherShare;
    efficiency.overlapsVector = request.overlapsVector;
    return efficiency;
}

core::Json settingsJson(const RooflineRequest& request)
{
    return {{"batch", request.batch},
            {"prompt", request.prompt},
            {"generate", request.generate},
            {"chunk", request.chunk > 0 ? core::Json(request.chunk) : core::Json(nullptr)},
            {"weight_format", request.weightFormat.empty() ? core::Json(nullptr) : core::Json(request.weightFormat)},
            {"weight_bits", request.weightBits},
            {"activation_bits", request.activationBits},
            {"kv_bits", request.kvBits > 0 ? request.kvBits : 16},
            {"sparsity", request.sparsity.empty() ? core::Json(nullptr) : core::Json(request.sparsity)},
            {"rank", request.rank},
            {"kv_keep", request.kvKeep},
            {"kv_keep_tokens", request.kvKeepTokens},
            {"kv_recent", request.kvRecent},
            {"attention", request.eager ? "eager" : "flash"},
            {"efficiency", request.efficiency},
            {"fuse", request.fusions},
            {"tensor_parallel", request.tensorParallel},
            {"pipeline_parallel", request.pipelineParallel},
            {"expert_parallel", request.expertParallel},
            {"micro_batches", request.microBatches},
            {"sequence_parallel", request.sequenceParallel},
            {"kv_layers", request.kvLayers},
            {"kv_observed", request.kvObserved},
            {"kv_splits", request.kvSplits},
            {"tf32", request.tf32},
            {"fp8_attention", request.fp8Attention},
            {"overlap", request.overlapsVector},
            {"expert_imbalance", request.expertImbalance},
            {"deduplicate", request.deduplicatedDispatch},
            {"dequantise", request.dequantise},
            {"tiles", request.tiles},
            {"gather_share", request.gatherShare},
            {"offload_bytes_per_second", request.offloadBandwidth},
            {"energy", energyJson(request)}};
}

Outcome reportPrediction(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::HardwareSpec& hardware, Session& session)
{
    PSC_ASSIGN(RooflineInputs inputs, rooflineInputs(request, model, session.installation.architectures()));
    if (inputs.shape.vocabulary == 0 && request.stage != "chat")
        return reportPasses(request, inputs, hardware, session);
    return reportPrediction(request, std::move(inputs), hardware, session);
}

Outcome reportPrediction(const RooflineRequest& request, RooflineInputs inputs, const roofline::HardwareSpec& hardware,
                         Session& session)
{
    if (request.stage == "chat")
        return Outcome::usage("--stage chat is a stage of LLM-Viewer", "use --mode lv-2409, or decode or prefill");
    const std::filesystem::path families = session.installation.architectures();
    PSC_ASSIGN(const Report report, predict(request, std::move(inputs), hardware, families));
    return show(report, request, hardware, session);
}

Outcome reportCalibrated(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::MachineProfile& machine, Session& session)
{
    if (request.stage == "chat")
        return Outcome::usage("--stage chat is a stage of LLM-Viewer", "use --mode lv-2409, or decode or prefill");
    const RooflineRequest plain;
    const bool isPlain = request.weightBits == plain.weightBits && request.weightFormat.empty() &&
                         request.activationBits == plain.activationBits && request.kvBits == plain.kvBits &&
                         !request.eager && request.fusions.empty() && request.draft.empty() &&
                         request.tensorParallel * request.pipelineParallel * request.expertParallel == 1 &&
                         request.efficiency == plain.efficiency && request.energy == plain.energy &&
                         request.offloadBandwidth == plain.offloadBandwidth && request.chunk == plain.chunk;
    if (!isPlain)
        return Outcome::usage("a calibrated prediction is that of our own engine, whose formats and kernels are given",
                              "leave out all options but --batch, --prompt, --generate and --stage");
    Report report;
    report.model = model.name;
    PSC_ASSIGN(report.shape, roofline::readModelShape(model.config, session.installation.architectures()));
    report.request = request.load();
    PSC_ASSIGN(report.prediction, roofline::predictCalibrated(machine, report.shape, report.request));
    report.prefillExplanation = roofline::explainCalibrated(report.prediction.prefill);
    report.decodeExplanation = roofline::explainCalibrated(report.prediction.decode);
    const roofline::EngineExecution& execution = machine.model->execution;
    report.execution = roofline::engineExecution(execution);
    RooflineRequest shown = request;
    shown.weightBits = execution.weightBits;
    shown.activationBits = execution.activationBits;
    shown.kvBits = execution.kvBits;
    shown.eager = execution.isEager;
    shown.efficiency = "calibrated";
    return show(report, shown, machine.hardware(), session);
}

} // namespace paretoscope::app
