// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/table.h"
#include "app/format/text.h"
#include "app/format/trial_text.h"
#include "app/verbs/hardware_option.h"
#include "app/verbs/project_argument.h"
#include "roofline/hardware/hardware_json.h"

namespace paretoscope::app {

namespace {

using roofline::HardwareSpec;
using roofline::NumberType;

/// "312 T", or "-" where it is not known.
std::string scaledText(const std::optional<double>& value, double unit, const char* name)
{
    return value ? significant(*value / unit) + " " + name : "-";
}

std::string operationsPerSecond(const std::optional<double>& rate)
{
    return scaledText(rate, 1e12, "T");
}

/// What 16-bit matrix products run in.
NumberType halfType(const HardwareSpec& device)
{
    return device.peak(NumberType::Bf16) ? NumberType::Bf16 : NumberType::Fp16;
}

std::string description(const HardwareSpec& device)
{
    std::string text = labelled("device", device.name);
    text += labelled("vendor", device.vendor + (device.kind.empty() ? "" : ", " + device.kind) +
                                   (device.year ? ", " + std::to_string(*device.year) : ""));
    text += labelled("memory", scaledText(device.memoryBytes, 1e9, "GB"));
    text += labelled("bandwidth", scaledText(device.bandwidthBytesPerSecond, 1e9, "GB/s"));
    for (std::size_t i = 0; i < roofline::kNumberTypes; ++i) {
        const auto type = static_cast<NumberType>(i);
        const std::optional<double> ridge = device.ridgePoint(type);
        if (ridge)
            text += labelled(roofline::numberTypeName(type), operationsPerSecond(device.peak(type)) +
                                                                 "OP/s dense, ridge point " + significant(*ridge) +
                                                                 " OP/byte");
    }
    text += labelled("2:4 sparsity", device.sparse24 ? "supported" : "no");
    text += labelled("on-chip", scaledText(device.onchipBufferBytes, 1e6, "MB"));
    if (device.l2Bytes)
        text += labelled("L2", scaledText(device.l2Bytes, 1e6, "MB"));
    if (device.l2BandwidthBytesPerSecond)
        text += labelled("L2 bandwidth", scaledText(device.l2BandwidthBytesPerSecond, 1e9, "GB/s"));
    if (device.l1BandwidthBytesPerSecond)
        text += labelled("L1 bandwidth", scaledText(device.l1BandwidthBytesPerSecond, 1e9, "GB/s"));
    if (device.processors)
        text += labelled("processors", std::to_string(*device.processors));
    text +=
        labelled("interconnect", scaledText(device.interconnectBytesPerSecond, 1e9, "GB/s, both directions together"));
    text += labelled("power", scaledText(device.tdpWatts, 1, "W"));
    text += labelled("source", device.source.empty() ? "not stated" : device.source);
    return text;
}

class HardwareVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        options.choice("ACTION", m_action, {"list", "show"}, "list (default) or show.");
        options.text("NAME", "", m_name, "The device to show.");
        m_hardware.declare(options);
        options.text("--project", "PROJECT", m_project, "Also knows the devices and machine profiles of this project.")
            .kind = ValueKind::Project;
    }

    Outcome run(Session& session) override
    {
        const auto project = openIfNamed(m_project);
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        const core::ProjectStore* kept = project.value() ? &*project.value() : nullptr;
        PSC_ASSIGN(const roofline::DeviceList devices, m_hardware.load(session, kept));
        const roofline::HardwareTable table = devices.table();
        if (m_action != "show")
            return m_name.empty() ? list(table, session)
                                  : Outcome::usage("unexpected argument \"" + m_name + "\"", "hardware show NAME");
        if (m_name.empty())
            return Outcome::usage("NAME is missing: the device to show",
                                  "\"paretoscope hardware list\" prints the names");
        PSC_ASSIGN(const HardwareSpec* device, table.find(m_name));
        if (session.common.json) {
            core::Json document = hardwareJson(*device);
            document["schema"] = "paretoscope.hardware-show/1";
            session.console.document(document);
        } else {
            session.console.write(description(*device));
        }
        return ExitStatus::Done;
    }

private:
    static Outcome list(const roofline::HardwareTable& devices, Session& session)
    {
        if (session.common.json) {
            core::Json all = core::Json::array();
            for (const HardwareSpec& device : devices.all())
                all.push_back(hardwareJson(device));
            session.console.document({{"schema", "paretoscope.hardware/1"}, {"devices", all}});
            return ExitStatus::Done;
        }
        TextTable table({{"device", false, true},
                         {"memory", true},
                         {"bandwidth", true},
                         {"fp32", true, false, true},
                         {"16 bit", true},
                         {"fp8", true, false, true},
                         {"int8", true, false, true},
                         {"year", true, false, true}});
        for (const HardwareSpec& device : devices.all())
            table.addRow(
                {printable(device.name), scaledText(device.memoryBytes, 1e9, "GB"),
                 scaledText(device.bandwidthBytesPerSecond, 1e9, "GB/s"),
                 operationsPerSecond(device.peak(NumberType::Fp32)), operationsPerSecond(device.peak(halfType(device))),
                 operationsPerSecond(device.peak(NumberType::Fp8)), operationsPerSecond(device.peak(NumberType::Int8)),
                 device.year ? std::to_string(*device.year) : "-"});
        session.console.write(table.text(session.console.outStream()));
        return ExitStatus::Done;
    }

    std::string m_action = "list";
    std::string m_name;
    HardwareOption m_hardware;
    std::string m_project;
};

} // namespace

VerbEntry hardwareVerb()
{
    return {.name = "hardware",
            .summary = "list the devices that predictions know, explain one",
            .usage = "[list | show NAME] [--hardware-file FILE] [--project PROJECT]",
            .description =
                "Lists devices with memory, bandwidth and peak rates (T: 10^12 dense operations per second), or shows "
                "one with all that is known of it, its ridge points and the source of its numbers. A \"-\" means that "
                "a value is not known; what needs it is then not predicted.\n"
                "Devices of your own stand in a CSV file whose first line names its columns: name and bandwidth_GBps, "
                "and any of vendor, kind, memory_GB, fp64_TFLOPS, fp32_TFLOPS, tf32_TFLOPS, bf16_TFLOPS, fp16_TFLOPS, "
                "fp8_TFLOPS, int8_TOPS, fp4_TFLOPS, int4_TOPS, sparse_2_4, onchip_buffer_KB, interconnect_GBps, TDP_W, "
                "l2_MB, l2_bandwidth_GBps, l1_bandwidth_GBps, processors, year, source. A name that is known already "
                "is replaced. A project keeps devices of its own, saved in the window, and machine profiles: verbs "
                "that read a project know them, others with --project. Where one has the name of another device here, "
                "it is called \"NAME (project)\".\n"
                "  paretoscope hardware show \"NVIDIA H100 SXM 80GB\"\n"
                "  paretoscope hardware list --hardware-file mine.csv --json\n"
                "  paretoscope hardware list --project demo.pscope",
            .make = makeVerb<HardwareVerb>};
}

} // namespace paretoscope::app
