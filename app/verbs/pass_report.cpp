// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/pass_report.h"

#include "app/format/number.h"
#include "app/format/trial_text.h"
#include "app/verbs/step_text.h"
#include "roofline/hardware/hardware_json.h"

namespace paretoscope::app {

Outcome reportPasses(const RooflineRequest& options, const RooflineInputs& inputs,
                     const roofline::HardwareSpec& hardware, Session& session)
{
    const double tokens = inputs.shape.imageTokens > 0 ? inputs.shape.imageTokens : options.prompt;
    const roofline::PassRequest request {.images = static_cast<double>(options.batch),
                                         .tokens = tokens,
                                         .steps = static_cast<double>(options.steps),
                                         .guided = options.guided};
    PSC_ASSIGN(const roofline::PassPrediction prediction,
               roofline::predictPasses(inputs.shape, inputs.execution, request, hardware, inputs.efficiency));
    PSC_ASSIGN(const roofline::Explanation explanation,
               roofline::explain(inputs.shape, inputs.execution, roofline::Step::prefill(request.images, tokens),
                                 hardware, inputs.efficiency, prediction.pass));
    Console& console = session.console;
    const roofline::MemoryNeed& memory = prediction.memory;
    if (session.common.json) {
        console.document(
            {{"schema", "paretoscope.roofline/1"},
             {"mode", options.mode},
             {"model", inputs.model},
             {"family", inputs.shape.family},
             {"parameters", inputs.shape.parameters()},
             {"hardware", hardwareJson(hardware)},
             {"settings",
              {{"batch", options.batch}, {"tokens", tokens}, {"steps", options.steps}, {"guidance", options.guided}}},
             {"results",
              {{"passes", request.passes()},
               {"total_seconds", prediction.totalSeconds},
               {"joules", prediction.joules ? core::Json(*prediction.joules) : core::Json(nullptr)},
               {"memory",
                {{"weight_bytes", memory.weights},
                 {"activation_bytes", memory.activations},
                 {"overhead_bytes", memory.overhead},
                 {"total_bytes", memory.total()},
                 {"fits", prediction.fits ? core::Json(*prediction.fits) : core::Json(nullptr)}}},
               {"pass", stepJson(prediction.pass, explanation, hardware)}}}});
        return ExitStatus::Done;
    }
    if (options.csv) {
        console.write(stepCsv(prediction.pass));
        return ExitStatus::Done;
    }
    const int width = console.outStream().width;
    console.line(inputs.model + " (" + scaled(inputs.shape.parameters(), "parameters") + ") on " + hardware.name +
                 ", " + counted(options.batch, "image") + " of " + grouped(static_cast<std::int64_t>(tokens)) +
                 " tokens, " + options.efficiency + " roofline\n");
    console.write(operationTable(prediction.pass).text(console.outStream()));
    std::string text =
        "\n" + labelled("one pass", shortTime(prediction.pass.seconds) + " (" + scaled(prediction.pass.flops, "FLOP") +
                                        ", " + scaled(prediction.pass.bytes, "B") + ")");
    if (request.passes() > 1)
        text += labelled("all passes", shortTime(prediction.totalSeconds) + " for " +
                                           grouped(static_cast<std::int64_t>(request.passes())) +
                                           (request.guided ? " passes, guided" : " passes"));
    text += labelled("memory",
                     scaled(memory.total(), "B") + ": weights " + scaled(memory.weights, "B") + ", activations " +
                         scaled(memory.activations, "B") + ", overhead " + scaled(memory.overhead, "B") +
                         (prediction.fits ? (*prediction.fits ? "; fits" : "; does not fit") : ""),
                     width);
    text += labelled("why not faster", explanation.sentence(prediction.pass.seconds), width);
    console.write(text);
    return ExitStatus::Done;
}

} // namespace paretoscope::app
