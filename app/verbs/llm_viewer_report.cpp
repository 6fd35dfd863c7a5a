// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/llm_viewer_report.h"

#include "app/format/table.h"
#include "roofline/hardware/hardware_json.h"
#include "roofline/llm_viewer/graph.h"
#include "roofline/llm_viewer/inputs.h"
#include "roofline/llm_viewer/number_text.h"
#include "roofline/llm_viewer/result_json.h"

namespace paretoscope::app {

namespace {

namespace lv = roofline::llm_viewer;

lv::Setting settingOf(const RooflineRequest& request)
{
    return {.batchSize = static_cast<double>(request.batch),
            .sequenceLength = static_cast<double>(request.prompt),
            .weightBits = request.weightBits,
            .activationBits = request.activationBits,
            .kvBits = request.kvBits > 0 ? request.kvBits : request.activationBits,
            .flashAttention = request.flash,
            .tensorParallel = static_cast<double>(request.tensorParallel)};
}

core::Json settingJson(const RooflineRequest& request, const lv::Setting& setting)
{
    return {{"batchsize", request.batch},
            {"seqlen", request.prompt},
            {"gen_len", request.generate},
            {"w_bit", setting.weightBits},
            {"a_bit", setting.activationBits},
            {"kv_bit", setting.kvBits},
            {"use_flashattention", setting.flashAttention},
            {"tp_size", request.tensorParallel}};
}

lv::GraphStage stageOf(const std::string& name)
{
    if (name == "prefill")
        return lv::GraphStage::Prefill;
    return name == "chat" ? lv::GraphStage::Chat : lv::GraphStage::Decode;
}

std::string tableText(const lv::Stage& stage, double layers, const Stream& stream)
{
    TextTable table({{"operation"},
                     {"OPs", true},
                     {"access", true},
                     {"OPs/byte", true, false, true},
                     {"bound"},
                     {"time", true},
                     {"share", true}});
    for (const lv::Operation& o : stage.operations) {
        const double count = o.name == "lm_head" ? 1 : layers;
        const auto percent = static_cast<int>(100 * count * o.inferenceTime / stage.totals.inferenceTime + 0.5);
        table.addRow({std::string(o.name), lv::numberText(o.operations), lv::numberText(o.memoryAccess) + "B",
                      lv::numberText(o.arithmeticIntensity), o.isMemoryBound ? "memory" : "compute",
                      lv::timeText(o.inferenceTime), std::to_string(percent) + " %"});
    }
    return table.text(stream);
}

std::string totalsText(const lv::Totals& totals)
{
    std::string text;
    for (const auto& [name, member] : lv::totalMembers()) {
        const bool isTime = member == &lv::Totals::inferenceTime;
        const double value = totals.*member;
        text += std::string(name) + " " + (isTime ? lv::timeText(value) : lv::numberText(value)) + "\n";
    }
    return text;
}

} // namespace

Outcome reportLlmViewer(const RooflineRequest& request, const NamedConfig& named, const roofline::HardwareSpec& device,
                        Session& session)
{
    PSC_ASSIGN(const lv::Profile profile, lv::profileFromName(request.mode));
    PSC_ASSIGN(const lv::Model model, lv::modelFrom(named.config, request.family));
    PSC_ASSIGN(const lv::Hardware hardware, lv::hardwareFrom(device));
    const lv::Setting setting = settingOf(request);
    PSC_ASSIGN(const lv::Analysis analysis, lv::analyse(profile, model, hardware, setting));
    Console& console = session.console;
    const lv::Stage& stage = request.stage == "prefill" ? analysis.prefill : analysis.decode;
    if (session.common.json) {
        PSC_ASSIGN(const lv::Generation generation,
                   lv::generate(profile, model, hardware, setting, request.prompt, request.generate));
        PSC_ASSIGN(const core::Json graph,
                   lv::graphDocument(profile, model, hardware,
                                     {.stage = stageOf(request.stage),
                                      .setting = setting,
                                      .generationLength = static_cast<double>(request.generate)}));
        core::Json document {{"schema", "paretoscope.roofline/1"},
                             {"mode", request.mode},
                             {"model", named.name},
                             {"family", std::string(model.family)},
                             {"hardware", hardwareJson(device)},
                             {"settings", settingJson(request, setting)},
                             {"results", lv::toJson(analysis)},
                             {"generation", lv::toJson(generation, profile)},
                             {"graph", graph}};
        console.document(document);
        return ExitStatus::Done;
    }
    if (request.stage == "chat")
        return Outcome::usage("--stage chat is a graph of LLM-Viewer's screen, not a table", "add --json");
    if (request.csv) {
        console.write(lv::csvText(stage, named.name, device.name, setting));
        return ExitStatus::Done;
    }
    console.line(named.name + " on " + device.name + ", as LLM-Viewer (" + request.mode + ") has it: " + request.stage +
                 " with " + std::to_string(request.batch) + " x " + std::to_string(request.prompt) + " tokens\n");
    console.write(tableText(stage, model.layers, console.outStream()));
    console.write("\n" + totalsText(stage.totals));
    return ExitStatus::Done;
}

} // namespace paretoscope::app
