// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/prediction_report.h"

#include "app/format/number.h"
#include "app/format/table.h"
#include "app/format/trial_text.h"
#include "core/base/near_miss.h"
#include "core/table/table_text.h"
#include "roofline/prediction/explanation.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::app {

namespace {

using roofline::Operation;
using roofline::Section;
using roofline::StepPrediction;
using roofline::Timing;

/// All that was predicted for one request.
struct Report
{
    std::string model;
    roofline::ModelShape shape;
    roofline::Execution execution;
    roofline::Efficiency efficiency;
    roofline::Request request;
    roofline::GenerationPrediction prediction;
    roofline::Explanation prefillExplanation;
    roofline::Explanation decodeExplanation;
    std::optional<std::int64_t> largestBatch;
    std::optional<std::int64_t> longestPrompt;
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

core::Result<roofline::Execution> executionOf(const RooflineRequest& request)
{
    roofline::Execution execution;
    execution.weights = roofline::plainWeightFormat(request.weightBits, request.groupSize);
    if (!request.weightFormat.empty()) {
        PSC_ASSIGN(execution.weights, roofline::namedWeightFormat(request.weightFormat));
    }
    execution.activations.bits = request.activationBits;
    if (request.activationBits < 16)
        execution.activations.codes = roofline::CodeKind::Integer;
    if (request.activationBits > 16)
        execution.streamBits = request.activationBits;
    if (request.kvBits > 0)
        execution.kv.bits = request.kvBits;
    if (request.eager)
        execution.attention = roofline::AttentionKernel::Eager;
    execution.parallel.tensor = request.tensorParallel;
    execution.parallel.pipeline = request.pipelineParallel;
    execution.parallel.expert = request.expertParallel;
    for (const std::string& name : request.fusions)
        PSC_TRY(fuse(execution.fusion, name));
    return execution;
}

roofline::Efficiency efficiencyOf(const std::string& name)
{
    if (name == "realistic")
        return roofline::Efficiency::realistic();
    return name == "graphs" ? roofline::Efficiency::graphs() : roofline::Efficiency::ideal();
}

core::Result<Report> predict(const RooflineRequest& request, const NamedConfig& model,
                             const roofline::HardwareSpec& hardware, const std::filesystem::path& families)
{
    Report report;
    report.model = model.name;
    report.efficiency = efficiencyOf(request.efficiency);
    PSC_ASSIGN(report.shape, roofline::readModelShape(model.config, families));
    PSC_ASSIGN(report.execution, executionOf(request));
    report.request = {.batch = static_cast<double>(request.batch),
                      .prompt = static_cast<double>(request.prompt),
                      .generated = static_cast<double>(request.generate)};
    const auto explained = [&](const roofline::Step& step, const StepPrediction& prediction) {
        return roofline::explain(report.shape, report.execution, step, hardware, report.efficiency, prediction);
    };
    PSC_ASSIGN(report.prediction, roofline::predictGeneration(report.shape, report.execution, report.request, hardware,
                                                              report.efficiency));
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
    return report;
}

core::Json operationJson(const Operation& o, const Timing& timing)
{
    return {{"name", std::string(o.name)},
            {"matrix_flops", o.matrixFlops},
            {"vector_flops", o.vectorFlops},
            {"bytes", o.bytes()},
            {"weight_bytes", o.weightBytes},
            {"activation_read_bytes", o.activationInBytes},
            {"activation_write_bytes", o.activationOutBytes},
            {"cache_read_bytes", o.cacheReadBytes},
            {"cache_write_bytes", o.cacheWriteBytes},
            {"arithmetic_intensity", o.bytes() > 0 ? core::Json(o.flops() / o.bytes()) : core::Json(nullptr)},
            {"seconds", timing.total},
            {"compute_seconds", timing.matrix + timing.vector},
            {"memory_seconds", timing.memory},
            {"launch_seconds", timing.launch},
            {"communication_seconds", timing.communication},
            {"bound", std::string(roofline::boundName(timing.bound))}};
}

core::Json stepJson(const StepPrediction& step, const roofline::Explanation& explanation)
{
    core::Json sections = core::Json::array();
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        core::Json operations = core::Json::array();
        for (std::size_t i = 0; i < section.operations.size(); ++i)
            operations.push_back(operationJson(section.operations[i], step.timings[s][i]));
        sections.push_back(
            {{"section", std::string(section.name)},
             {"first_layer", section.firstLayer < 0 ? core::Json(nullptr) : core::Json(section.firstLayer)},
             {"count", section.count},
             {"operations", operations}});
    }
    core::Json shares = core::Json::object();
    for (const auto bound :
         {roofline::Bound::Compute, roofline::Bound::Memory, roofline::Bound::Launch, roofline::Bound::Communication})
        shares[std::string(roofline::boundName(bound))] = step.boundShare(bound);
    core::Json changes = core::Json::array();
    for (const roofline::Change& change : explanation.changes)
        changes.push_back({{"change", change.name}, {"seconds", change.seconds}});
    return {{"seconds", step.seconds},
            {"flops", step.flops},
            {"bytes", step.bytes},
            {"bound_shares", shares},
            {"explanation", explanation.sentence(step.seconds)},
            {"changes", changes},
            {"sections", sections}};
}

template <typename T>
core::Json orNull(const std::optional<T>& value)
{
    return value ? core::Json(*value) : core::Json(nullptr);
}

core::Json document(const Report& report, const RooflineRequest& request, const roofline::HardwareSpec& hardware)
{
    const roofline::GenerationPrediction& p = report.prediction;
    return {{"schema", "paretoscope.roofline/1"},
            {"mode", request.mode},
            {"model", report.model},
            {"family", report.shape.family},
            {"parameters", report.shape.parameters()},
            {"hardware", hardwareJson(hardware)},
            {"settings",
             {{"batch", request.batch},
              {"prompt", request.prompt},
              {"generate", request.generate},
              {"weight_format", request.weightFormat.empty() ? core::Json(nullptr) : core::Json(request.weightFormat)},
              {"weight_bits", report.execution.weights.bits},
              {"activation_bits", request.activationBits},
              {"kv_bits", report.execution.kv.bits},
              {"attention", request.eager ? "eager" : "flash"},
              {"efficiency", request.efficiency},
              {"fuse", request.fusions},
              {"tensor_parallel", request.tensorParallel},
              {"pipeline_parallel", request.pipelineParallel},
              {"expert_parallel", request.expertParallel}}},
            {"results",
             {{"time_to_first_token_seconds", p.timeToFirstToken},
              {"time_per_output_token_seconds", p.timePerOutputToken},
              {"total_seconds", p.totalSeconds},
              {"tokens_per_second", p.tokensPerSecond},
              {"joules", orNull(p.joules)},
              {"joules_per_token",
               p.joules ? core::Json(*p.joules / (request.batch * double(request.generate))) : core::Json(nullptr)},
              {"memory",
               {{"weight_bytes", p.memory.weights},
                {"cache_bytes", p.memory.cache},
                {"activation_bytes", p.memory.activations},
                {"overhead_bytes", p.memory.overhead},
                {"total_bytes", p.memory.total()},
                {"fits", orNull(p.fits)},
                {"largest_batch", orNull(report.largestBatch)},
                {"longest_prompt", orNull(report.longestPrompt)}}},
              {"prefill", stepJson(p.prefill, report.prefillExplanation)},
              {"decode", stepJson(p.decode, report.decodeExplanation)}}}};
}

std::string scaled(double value, const char* unit)
{
    static constexpr std::pair<double, const char*> kPrefixes[] {
        {1e15, " P"}, {1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
    for (const auto& [size, prefix] : kPrefixes) {
        if (value >= size)
            return significant(value / size) + prefix + unit;
    }
    return significant(value) + " " + unit;
}

std::string shortTime(double seconds)
{
    static constexpr std::pair<double, const char*> kUnits[] {{1, " s"}, {1e-3, " ms"}, {1e-6, " us"}};
    for (const auto& [size, unit] : kUnits) {
        if (seconds >= size)
            return significant(seconds / size) + unit;
    }
    return significant(seconds / 1e-9) + " ns";
}

std::string layersText(const Section& section)
{
    if (section.firstLayer < 0)
        return std::string(section.name);
    return (section.count > 1 ? std::to_string(static_cast<int>(section.count)) + " layers" : "1 layer");
}

TextTable operationTable(const StepPrediction& step)
{
    TextTable table({{"where", false, false, true},
                     {"operation"},
                     {"FLOP", true, false, true},
                     {"bytes", true},
                     {"FLOP/byte", true, false, true},
                     {"bound"},
                     {"time", true},
                     {"share", true}});
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const Operation& o = section.operations[i];
            const Timing& timing = step.timings[s][i];
            const double share = section.count * timing.total / step.layerSeconds;
            table.addRow({layersText(section), std::string(o.name), scaled(o.flops(), "FLOP"), scaled(o.bytes(), "B"),
                          o.bytes() > 0 ? significant(o.flops() / o.bytes(), 3) : "-",
                          std::string(roofline::boundName(timing.bound)), shortTime(timing.total),
                          significant(100 * share, 3) + " %"});
        }
    }
    return table;
}

/// One row per operation in full precision.
std::string csvText(const StepPrediction& step)
{
    const auto exact = [](double value) { return core::canonicalJson(core::Json(value)); };
    core::TextRows rows {{"section", "first_layer", "count", "operation", "matrix_flops", "vector_flops",
                          "weight_bytes", "activation_read_bytes", "activation_write_bytes", "cache_read_bytes",
                          "cache_write_bytes", "bound", "seconds"}};
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const Operation& o = section.operations[i];
            const Timing& timing = step.timings[s][i];
            rows.push_back({std::string(section.name), section.firstLayer < 0 ? "" : std::to_string(section.firstLayer),
                            exact(section.count), std::string(o.name), exact(o.matrixFlops), exact(o.vectorFlops),
                            exact(o.weightBytes), exact(o.activationInBytes), exact(o.activationOutBytes),
                            exact(o.cacheReadBytes), exact(o.cacheWriteBytes),
                            std::string(roofline::boundName(timing.bound)), exact(timing.total)});
        }
    }
    return core::asCsv(rows);
}

std::string memoryText(const Report& report)
{
    const roofline::MemoryNeed& memory = report.prediction.memory;
    std::string text = scaled(memory.total(), "B") + ": weights " + scaled(memory.weights, "B") + ", cache " +
                       scaled(memory.cache, "B") + ", activations " + scaled(memory.activations, "B") + ", overhead " +
                       scaled(memory.overhead, "B");
    if (report.prediction.fits)
        text += *report.prediction.fits ? "; fits" : "; does not fit";
    if (report.largestBatch)
        text += ", largest batch " + std::to_string(*report.largestBatch) + ", longest prompt " +
                std::to_string(*report.longestPrompt);
    return text;
}

std::string summary(const Report& report, int width)
{
    const roofline::GenerationPrediction& p = report.prediction;
    std::string text =
        labelled("first token", shortTime(p.timeToFirstToken) + " (prefill of " + scaled(p.prefill.flops, "FLOP") +
                                    ", " + scaled(p.prefill.bytes, "B") + ")");
    text += labelled("per token", shortTime(p.timePerOutputToken));
    text += labelled("whole answer", shortTime(p.totalSeconds) + ", " + significant(p.tokensPerSecond) + " tokens/s");
    if (p.joules)
        text += labelled("energy",
                         significant(*p.joules / (report.request.batch * report.request.generated)) + " J per token");
    text += labelled("memory", memoryText(report), width);
    text += labelled("why not faster", "prefill: " + report.prefillExplanation.sentence(p.prefill.seconds), width);
    text += labelled("", "decode: " + report.decodeExplanation.sentence(p.decode.seconds), width);
    return text;
}

} // namespace

Outcome reportPrediction(const RooflineRequest& request, const NamedConfig& model,
                         const roofline::HardwareSpec& hardware, Session& session)
{
    if (request.stage == "chat")
        return Outcome::usage("--stage chat is a stage of LLM-Viewer", "use --mode lv-2409, or decode or prefill");
    PSC_ASSIGN(const Report report, predict(request, model, hardware, session.installation.architectures()));
    Console& console = session.console;
    if (session.common.json) {
        console.document(document(report, request, hardware));
        return ExitStatus::Done;
    }
    const bool isPrefill = request.stage == "prefill";
    const StepPrediction& step = isPrefill ? report.prediction.prefill : report.prediction.decode;
    if (request.csv) {
        console.write(csvText(step));
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

} // namespace paretoscope::app
