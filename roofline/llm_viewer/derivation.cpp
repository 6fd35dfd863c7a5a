// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/derivation.h"

#include <algorithm>
#include <array>

namespace paretoscope::roofline::llm_viewer {

namespace {

struct Formula
{
    std::string_view name = {};
    std::string_view decodeOperations = {};
    std::string_view prefillOperations = {};
    std::string_view decodeBytes = {};
    std::string_view prefillBytes = {};
};

constexpr std::string_view kNormBytes = "2·B·H·ab";
constexpr std::string_view kNormBytesPrefill = "2·B·H·S·ab";

constexpr std::array<Formula, 10> kFormulas {{
    {"qk_matmul", "2·S·d·h·B", "2·S·S·d·h·B", "d·B·h·ab + S·B·h·ab + S·d·B·g·kb",
     "S·d·B·g·ab + S·S·B·h·ab + S·d·B·g·kb"},
    {"sv_matmul", "2·d·S·h·B", "2·S·d·S·h·B", "S·B·h·ab + d·B·h·ab + S·d·B·g·kb",
     "S·S·B·h·ab + S·d·B·h·ab + S·d·B·g·kb"},
    {"softmax", "5·B·h·S", "5·B·h·S·S", "2·B·h·S·ab", "2·B·h·S·S·ab"},
    {"fused_attention", "4·S·d·h·B + 5·B·h·S", "4·S·S·d·h·B + 5·B·h·S·S",
     "d·B·h·ab + 2·S·B·h·ab + n_blocks·S·d·B·kvh·kb·2", "S·d·B·h·ab + 2·S·S·B·h·ab + n_blocks·S·d·B·kvh·kb·2"},
    {"attn_norm", "7·B·H", "7·B·H·S", kNormBytes, kNormBytesPrefill},
    {"mlp_norm", "7·B·H", "7·B·H·S", kNormBytes, kNormBytesPrefill},
    {"attn_add", "B·H", "B·H·S", kNormBytes, kNormBytesPrefill},
    {"mlp_add", "B·H", "B·H·S", kNormBytes, kNormBytesPrefill},
    {"mlp_act", "2·B·H", "2·B·H·S", "3·B·H·ab", "3·B·H·S·ab"},
    {"lm_head", "B·H·V", "B·H·V", "H·V·wb + H·ab + V·ab", "H·V·wb + H·ab + V·ab"},
}};

Formula formulaOf(std::string_view name)
{
    const auto found =
        std::find_if(kFormulas.begin(), kFormulas.end(), [&](const Formula& formula) { return formula.name == name; });
    if (found != kFormulas.end())
        return *found;
    const bool isStored = name == "k_proj" || name == "v_proj";
    const std::string_view bytes = isStored ? "ic·oc·wb + ic·T·ab + oc·T·kb" : "ic·oc·wb + ic·T·ab + oc·T·ab";
    return {name, "2·ic·oc·T, T = B", "2·ic·oc·T, T = B·S", bytes, bytes};
}

std::string bytesInputs(const Operation& operation)
{
    std::string text;
    for (const auto& [name, bytes] : {std::pair("weights", operation.loadWeight),
                                      {"activations read", operation.loadActivation},
                                      {"activations written", operation.storeActivation},
                                      {"cache read", operation.loadKvCache},
                                      {"cache written", operation.storeKvCache}}) {
        if (bytes > 0)
            text += (text.empty() ? "" : " + ") + std::string(name) + " " + plainNumber(bytes);
    }
    return text;
}

} // namespace

std::vector<Derivation> derivationsOf(const Operation& operation, const Hardware& hardware, double peak, bool isPrefill)
{
    const Formula formula = formulaOf(operation.name);
    const double turn = peak / hardware.bandwidth;
    return {{"matrix_flops",
             std::string(isPrefill ? formula.prefillOperations : formula.decodeOperations),
             {},
             operation.operations,
             "FLOP"},
            {"bytes", std::string(isPrefill ? formula.prefillBytes : formula.decodeBytes), bytesInputs(operation),
             operation.memoryAccess, "B"},
            {"intensity", "OPs / memory_access",
             plainNumber(operation.operations) + " / " + plainNumber(operation.memoryAccess),
             operation.arithmeticIntensity, "FLOP/B"},
            {"performance", "min(max_OPS, intensity · bandwidth)",
             "min(" + plainNumber(peak) + ", " + plainNumber(operation.arithmeticIntensity) + " · " +
                 plainNumber(hardware.bandwidth) + "), turning point " + plainNumber(turn),
             operation.performance, "FLOP/s"},
            {"time", "OPs / performance",
             plainNumber(operation.operations) + " / " + plainNumber(operation.performance), operation.inferenceTime,
             "s"},
            {"mfu",
             "performance / max_OPS",
             plainNumber(operation.performance) + " / " + plainNumber(peak),
             operation.performance / peak,
             {}},
            {"mbu",
             "memory_access / (time · bandwidth)",
             plainNumber(operation.memoryAccess) + " / (" + plainNumber(operation.inferenceTime) + " · " +
                 plainNumber(hardware.bandwidth) + ")",
             operation.inferenceTime > 0 ? operation.memoryAccess / (operation.inferenceTime * hardware.bandwidth) : 0,
             {}}};
}

} // namespace paretoscope::roofline::llm_viewer
