// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/number_text.h"

#include <array>
#include <cstdio>

namespace paretoscope::roofline::llm_viewer {

namespace {

struct Step
{
    double above;
    double unit;
    int decimals;
    const char* suffix;
};

constexpr std::array<Step, 8> kNumberSteps {{
    {1e14, 1e12, 0, "T"},
    {1e12, 1e12, 1, "T"},
    {1e11, 1e9, 0, "G"},
    {1e9, 1e9, 1, "G"},
    {1e8, 1e6, 0, "M"},
    {1e6, 1e6, 1, "M"},
    {1e5, 1e3, 0, "K"},
    {1e3, 1e3, 1, "K"},
}};

std::string fixed(double number, int decimals)
{
    std::array<char, 64> text {};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
    return text.data();
}

std::string bytesText(double bytes)
{
    return numberText(bytes) + "B";
}

} // namespace

std::string numberText(double number)
{
    for (const Step& step : kNumberSteps) {
        if (number > step.above)
            return fixed(number / step.unit, step.decimals) + step.suffix;
    }
    return fixed(number, number >= 1 ? 1 : 2);
}

std::string timeText(double seconds)
{
    if (seconds >= 1)
        return fixed(seconds, 1) + "s";
    if (seconds > 1e-3)
        return fixed(seconds * 1e3, 1) + "ms";
    if (seconds > 1e-6)
        return fixed(seconds * 1e6, 1) + "us";
    if (seconds > 1e-9)
        return fixed(seconds * 1e9, 1) + "ns";
    return fixed(seconds, 0) + "s";
}

std::string csvText(const Stage& stage, std::string_view model, std::string_view hardware, const Setting& setting)
{
    const auto shown = [](double value) { return core::canonicalJson(core::Json(value)); };
    std::string text = "=== " + std::string(model) + " " + std::string(hardware) +
                       " w_bit=" + shown(setting.weightBits) + " a_bit=" + shown(setting.activationBits) +
                       " kv_bit=" + shown(setting.kvBits) + " batchsize=" + shown(setting.batchSize) +
                       " seqlen=" + shown(setting.sequenceLength) + " tp_size=" + shown(setting.tensorParallel) +
                       " ===\nlayer_name,OPs,Access,arithmetic_intensity,performance,bound,load_weight,load_act,"
                       "store_act,load_kv_cache,store_kv_cache,inference_time\n";
    for (const Operation& o : stage.operations)
        text += std::string(o.name) + "," + numberText(o.operations) + "," + bytesText(o.memoryAccess) + "," +
                numberText(o.arithmeticIntensity) + "," + numberText(o.performance) + "," +
                (o.isMemoryBound ? "memory" : "compute") + "," + bytesText(o.loadWeight) + "," +
                bytesText(o.loadActivation) + "," + bytesText(o.storeActivation) + "," + bytesText(o.loadKvCache) +
                "," + bytesText(o.storeKvCache) + "," + timeText(o.inferenceTime) + "\n";
    return text;
}

} // namespace paretoscope::roofline::llm_viewer
