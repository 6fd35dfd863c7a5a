// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/inputs.h"

namespace paretoscope::roofline::llm_viewer {

core::Result<Model> modelFrom(const core::Json& config, std::string_view family)
{
    if (!family.empty())
        return readModel(family, config);
    const core::Json type = config.is_object() ? config.value("model_type", core::Json()) : core::Json();
    const std::string name = type.is_string() ? type.get<std::string>() : "";
    const std::string_view known = familyOfModelType(name);
    if (known.empty())
        return core::Error {core::ErrorCode::Unsupported,
                            "LLM-Viewer has no model family for model_type \"" + name + "\"",
                            "name the one to compute with (--family), or use mode accurate"};
    return readModel(known, config);
}

core::Result<Hardware> hardwareFrom(const HardwareSpec& device)
{
    const std::optional<double>& half = device.peak(NumberType::Fp16);
    if (!half)
        return core::Error {core::ErrorCode::Unsupported, device.name + " has no FP16 peak",
                            "choose a device that states one, or use mode accurate"};
    return Hardware {.bandwidth = device.bandwidthBytesPerSecond,
                     .fp16 = *half,
                     .int8 = device.peak(NumberType::Int8),
                     .onchipBuffer = device.onchipBufferBytes.value_or(0)};
}

} // namespace paretoscope::roofline::llm_viewer
