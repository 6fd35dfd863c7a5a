// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/input.h"
#include "app/verbs/counter_report.h"
#include "app/verbs/layer_table_report.h"
#include "app/verbs/llm_viewer_report.h"
#include "app/verbs/machine_measurement.h"
#include "app/verbs/prediction_report.h"
#include "app/verbs/project_argument.h"
#include "app/verbs/project_predictions.h"
#include "app/verbs/roofline_sweep.h"
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
        m_project.declare(options);
        m_measurement.declare(options);
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
        if (m_measurement.isWanted())
            return m_measurement.run(m_request.model, m_request.hardware, session);
        if (m_measurement.isConfigured())
            return Outcome::usage("--quick and --out are for a measurement", "give --measure, too");
        auto known = openIfNamed(m_project.isProject(m_request.model) ? m_request.model : m_measurement.project());
        if (!known.ok())
            return {known.error(), ErrorSource::Project};
        m_known = std::move(known).value();
        if (!m_request.counters.empty())
            return showCounters(session);
        if (m_request.model.empty() && m_request.layers.empty())
            return Outcome::usage("MODEL is missing: what to predict for", "paretoscope roofline config.json ...");
        if (!m_request.model.empty() && !m_request.layers.empty())
            return Outcome::usage("--layers stands in place of a model", "leave one of them out");
        if (m_request.isCalibrated() && !m_request.sweep.empty())
            return Outcome::usage("--sweep predicts one model in the accurate mode", "leave --mode out");
        if (m_request.isCalibrated())
            return reportOwnEngine(session);
        if (m_request.hardware.empty())
            return Outcome::usage("--hardware is missing: the device to predict for",
                                  "\"paretoscope hardware list\" prints the names");
        PSC_ASSIGN(const roofline::HardwareSpec device, chosenDevice(session));
        return predictOn(device, session);
    }

private:
    core::Result<roofline::DeviceList> devices(const Session& session) const
    {
        return m_hardware.load(session, m_known ? &*m_known : nullptr);
    }

    core::Result<roofline::HardwareSpec> chosenDevice(const Session& session) const
    {
        PSC_ASSIGN(const roofline::DeviceList known, devices(session));
        const roofline::HardwareTable table = known.table();
        PSC_ASSIGN(const roofline::HardwareSpec* device, table.find(m_request.hardware));
        return *device;
    }

    Outcome showCounters(Session& session) const
    {
        if (!m_request.model.empty() || !m_request.layers.empty())
            return Outcome::usage("--counters stands in place of a model", "leave one of them out");
        if (m_request.hardware.empty())
            return reportCounters(m_request, nullptr, session);
        PSC_ASSIGN(const roofline::HardwareSpec device, chosenDevice(session));
        return reportCounters(m_request, &device, session);
    }

    Outcome sweepOn(const roofline::HardwareSpec& device, Session& session) const
    {
        if (m_request.isCompatible() || !m_request.layers.empty() || m_project.isProject(m_request.model))
            return Outcome::usage("--sweep predicts one model in the accurate mode",
                                  "leave --mode out and name a model");
        PSC_ASSIGN(const RooflineAxis axis, RooflineAxis::read(m_request.sweep));
        PSC_ASSIGN(const NamedConfig model, readConfig(m_request.model));
        return reportSweep(m_request, axis, model, device, session);
    }

    Outcome predictOn(const roofline::HardwareSpec& device, Session& session) const
    {
        if (!m_request.sweep.empty())
            return sweepOn(device, session);
        if (m_project.isProject(m_request.model))
            return m_project.report(m_request, device, session);
        if (m_project.isUsed())
            return Outcome::usage("--trial, --where and --record are for the trials of a project",
                                  "name a project (*.pscope) in place of the model");
        if (!m_request.layers.empty())
            return reportLayers(m_request, device, session);
        PSC_ASSIGN(const NamedConfig model, readConfig(m_request.model));
        return m_request.isCompatible() ? reportLlmViewer(m_request, model, device, session)
                                        : reportPrediction(m_request, model, device, session);
    }

    Outcome reportOwnEngine(Session& session) const
    {
        const std::string name = m_request.hardware.empty() ? kDefaultMachine : m_request.hardware;
        PSC_ASSIGN(const roofline::MachineProfile machine, findMachine(name, session));
        PSC_ASSIGN(const NamedConfig model, readConfig(m_request.model));
        return reportCalibrated(m_request, model, machine, session);
    }

    core::Result<roofline::MachineProfile> findMachine(const std::string& name, const Session& session) const
    {
        PSC_ASSIGN(const roofline::DeviceList known, devices(session));
        const roofline::Device* device = known.find(name);
        if (device && device->machine)
            return *device->machine;
        return core::Error {core::ErrorCode::NotFound, "there is no machine profile \"" + name + "\"",
                            "measure this machine: paretoscope roofline MODEL --measure"};
    }

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
    ProjectPredictions m_project;
    MachineMeasurement m_measurement;
    std::optional<core::ProjectStore> m_known; ///< whose devices are known, too
    std::string m_cases;
};

} // namespace

VerbEntry rooflineVerb()
{
    return {
        .name = "roofline",
        .summary = "predict speed and memory of a model on a device",
        .usage = "MODEL|PROJECT --hardware NAME | --measure | --counters|--cases FILE",
        .description =
            "Predicts what every operation of a model takes on a device: FLOPs, bytes, whether compute or memory "
            "bounds it, its share of the time; the time to the first token and per token, the memory, whether it "
            "fits, and which change would help most. Only the configuration is read. Rates that a device does not "
            "state are never guessed. Of a project every finished trial is predicted, from the bytes that its "
            "tensors take, its sparsity and its ranks, as far as the device can use them; with one --trial in full. "
            "With --mode "
            "lv-2409 or lv-2407 the numbers are those of LLM-Viewer.\n"
            "Devices are those of \"paretoscope hardware list\" and those that the project keeps, or the one of "
            "--project: one whose name another device has is called \"NAME (project)\".\n"
            "With --measure nothing is predicted: this machine is measured, its memory, caches, matrix products and "
            "vector units, and with a model every operation of its prefill and decode; the result is kept as a "
            "machine profile, a device that predictions know by its name. With --mode calibrated they are those of "
            "our own engine, with the shares of the ceilings that its kernels reached.\n"
            "Of a model that reads images (text_config and vision_config) encoder, projector, prefill and decode are "
            "listed apart. A table of layers has columns name, kind (convolution, linear, embedding) and, where they "
            "are not 1, in_channels, out_channels, kernel_height, kernel_width, output_height, output_width, stride, "
            "groups, and of embeddings lookups (rows per sample), dimension, table_rows.\n"
            "With --counters nothing is predicted either: time, FLOPs and bytes of every level of the memory are those "
            "that ncu --nvtx --csv counted, one row per NVTX range.\n"
            "Weight formats: fp32, bf16, fp16, fp8, int8 (a scale per row), int8-g128, int4-g128, int4-g128-zero4, "
            "int4-g128-zero16, int3-g128, int2-g128, nf4, nf4-double, mxfp4, nvfp4, q4_0, q4_k, q6_k, q8_0.\n"
            "  paretoscope roofline config.json --hardware \"NVIDIA A100 SXM 80GB\" --batch 8 --prompt 2048\n"
            "  paretoscope roofline config.json --hardware \"NVIDIA L4\" --sweep batch=1..256\n"
            "  paretoscope roofline --counters ncu.csv --hardware \"NVIDIA H100 SXM 80GB\"\n"
            "  paretoscope roofline demo.pscope --hardware \"NVIDIA L4\" --prompt 512\n"
            "  paretoscope roofline demo.pscope --hardware \"NVIDIA L4\" --trial 3fa2c1\n"
            "  paretoscope roofline Llama-2-7b --hardware nvidia_A6000 --mode lv-2409 --json\n"
            "  paretoscope roofline SmolLM2-135M --measure --quick\n"
            "  paretoscope roofline SmolLM2-135M --mode calibrated --prompt 256\n"
            "  paretoscope roofline --cases cases.json --json",
        .make = makeVerb<RooflineVerb>};
}

} // namespace paretoscope::app
