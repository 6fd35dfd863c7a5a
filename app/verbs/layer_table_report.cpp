// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/layer_table_report.h"

#include "app/command_line/input.h"
#include "app/format/number.h"
#include "app/format/trial_text.h"
#include "app/verbs/prediction_report.h"
#include "app/verbs/step_text.h"
#include "roofline/hardware/hardware_json.h"
#include "roofline/operations/table_operations.h"
#include "roofline/trial/what_if.h"

#include <filesystem>

namespace paretoscope::app {

namespace {

struct TableReport
{
    roofline::LayerTable table;
    roofline::StepPrediction step;
    roofline::Explanation explanation;
    double weightBytes = 0;
};

core::Json document(const TableReport& report, const RooflineRequest& request, const roofline::HardwareSpec& hardware)
{
    return {{"schema", "paretoscope.roofline/1"},
            {"mode", request.mode},
            {"model", request.layers},
            {"parameters", report.table.weights()},
            {"hardware", hardwareJson(hardware)},
            {"settings", settingsJson(request)},
            {"results",
             {{"total_seconds", report.step.seconds},
              {"samples_per_second", request.batch / report.step.seconds},
              {"weight_bytes", report.weightBytes},
              {"pass", stepJson(report.step, report.explanation, hardware)}}}};
}

void print(const TableReport& report, const RooflineRequest& request, const roofline::HardwareSpec& hardware,
           Console& console)
{
    console.line(std::filesystem::path(request.layers).filename().string() + " (" +
                 scaled(report.table.weights(), "parameters") + ") on " + hardware.name + ", " +
                 counted(request.batch, "sample") + ", " + request.efficiency + " roofline\n");
    console.write(operationTable(report.step).text(console.outStream()));
    std::string text =
        "\n" + labelled("one pass", shortTime(report.step.seconds) + " (" + scaled(report.step.flops, "FLOP") + ", " +
                                        scaled(report.step.bytes, "B") + "), " +
                                        significant(request.batch / report.step.seconds) + " samples/s");
    text += labelled("weights", scaled(report.weightBytes, "B"));
    text += labelled("why not faster", report.explanation.sentence(report.step.seconds), console.outStream().width);
    console.write(text);
}

} // namespace

Outcome reportLayers(const RooflineRequest& request, const roofline::HardwareSpec& hardware, Session& session)
{
    if (request.isCompatible())
        return Outcome::usage("LLM-Viewer's modes know no tables of layers", "leave --mode out");
    PSC_ASSIGN(const std::string text, readFileOrInput(request.layers, session.input));
    TableReport report;
    PSC_ASSIGN(report.table,
               roofline::LayerTable::read(text, std::filesystem::path(request.layers).filename().string()));
    PSC_ASSIGN(const roofline::Execution execution, executionOf(request));
    PSC_ASSIGN(const roofline::Efficiency efficiency, efficiencyOf(request));
    const roofline::PredictAgain again =
        [&](const roofline::Execution& otherExecution, const roofline::HardwareSpec& otherHardware,
            const roofline::Efficiency& otherEfficiency) -> core::Result<roofline::StepPrediction> {
        PSC_ASSIGN(roofline::StepOperations operations,
                   roofline::tableOperations(report.table, otherExecution, request.batch));
        PSC_ASSIGN(const roofline::Ceilings ceilings, roofline::Ceilings::of(otherHardware, otherEfficiency));
        return roofline::predictOperations(std::move(operations), ceilings);
    };
    PSC_ASSIGN(report.step, again(execution, hardware, efficiency));
    PSC_ASSIGN(report.explanation, roofline::explain(again, execution, hardware, efficiency, report.step));
    report.weightBytes = roofline::tableWeightBytes(report.table, execution);
    if (session.common.json)
        session.console.document(document(report, request, hardware));
    else if (request.csv)
        session.console.write(stepCsv(report.step));
    else
        print(report, request, hardware, session.console);
    return ExitStatus::Done;
}

} // namespace paretoscope::app
