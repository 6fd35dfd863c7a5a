// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/input.h"
#include "app/verbs/llm_viewer_report.h"
#include "app/verbs/prediction_report.h"
#include "roofline/llm_viewer/cases.h"

namespace paretoscope::app {

namespace {

class RooflineVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_request.declare(options);
        m_hardware.declare(options);
        options
            .text("--cases", "FILE", m_cases,
                  "Computes all records of a JSON document of this form (\"-\": stdin) and prints it with results; "
                  "nothing else is needed.")
            .kind = ValueKind::File;
    }

    Outcome run(Session& session) override
    {
        if (!m_cases.empty())
            return computeCases(session);
        if (m_request.model.empty())
            return Outcome::usage("MODEL is missing: what to predict for", "paretoscope roofline config.json ...");
        if (m_request.hardware.empty())
            return Outcome::usage("--hardware is missing: the device to predict for",
                                  "\"paretoscope hardware list\" prints the names");
        PSC_ASSIGN(const roofline::HardwareTable table, m_hardware.load(session));
        PSC_ASSIGN(const roofline::HardwareSpec* device, table.find(m_request.hardware));
        PSC_ASSIGN(const NamedConfig model, readConfig(m_request.model));
        return m_request.isCompatible() ? reportLlmViewer(m_request, model, *device, session)
                                        : reportPrediction(m_request, model, *device, session);
    }

private:
    Outcome computeCases(Session& session) const
    {
        PSC_ASSIGN(const std::string text, readFileOrInput(m_cases, session.input));
        PSC_ASSIGN(const core::Json document, core::parseJson(text, m_cases));
        PSC_ASSIGN(const core::Json computed, roofline::llm_viewer::computeCases(document));
        session.console.document(computed);
        return ExitStatus::Done;
    }

    RooflineRequest m_request;
    HardwareOption m_hardware;
    std::string m_cases;
};

} // namespace

VerbEntry rooflineVerb()
{
    return {.name = "roofline",
            .summary = "predict speed and memory of a model on a device",
            .usage = "MODEL --hardware NAME [options] | --cases FILE",
            .description =
                "Predicts what every operation of a model takes on a device: FLOPs, bytes, whether compute or memory "
                "bounds it, its share of the time; the time to the first token and per token, the memory, whether it "
                "fits, and which change would help most. Only the configuration is read. Rates that a device does not "
                "state are never guessed. With --mode lv-2409 or lv-2407 the numbers are those of LLM-Viewer.\n"
                "Weight formats: fp32, bf16, fp16, fp8, int8 (a scale per row), int8-g128, int4-g128, int4-g128-zero4, "
                "int4-g128-zero16, int3-g128, int2-g128, nf4, nf4-double, mxfp4, nvfp4, q4_0, q4_k, q6_k, q8_0.\n"
                "  paretoscope roofline config.json --hardware \"NVIDIA A100 SXM 80GB\" --batch 8 --prompt 2048\n"
                "  paretoscope roofline Llama-2-7b --hardware nvidia_A6000 --mode lv-2409 --json\n"
                "  paretoscope roofline --cases cases.json --json",
            .make = makeVerb<RooflineVerb>};
}

} // namespace paretoscope::app
