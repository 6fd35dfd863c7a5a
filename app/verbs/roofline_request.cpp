// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/roofline_request.h"

#include "core/base/near_miss.h"
#include "roofline/model/weight_format.h"
#include "roofline/trial/what_if.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace paretoscope::app {

namespace {

core::Result<double> readNumber(const std::string& value)
{
    double number = 0;
    const char* end = value.data() + value.size();
    const auto [rest, problem] = std::from_chars(value.data(), end, number);
    if (problem != std::errc {} || rest != end || !std::isfinite(number))
        return core::Error {core::ErrorCode::InvalidArgument, "\"" + value + "\" is not a number", "write it as 0.5"};
    return number;
}

core::Status storeBits(double& target, const std::string& value)
{
    const core::Result<double> bits = readNumber(value);
    if (!bits.ok() || !(bits.value() > 0 && bits.value() <= 64))
        return core::Error {core::ErrorCode::InvalidArgument, "\"" + value + "\" is not a number of bits",
                            "give a number above 0, at most 64"};
    target = bits.value();
    return core::success();
}

OptionSpec& bitsOption(OptionTable& options, const char* name, double& target, const char* doc)
{
    OptionSpec& spec =
        options.custom(name, "BITS", doc, [&target](const std::string& value) { return storeBits(target, value); });
    spec.kind = ValueKind::Number;
    return spec;
}

/// Which numbers an option takes, and what is said of others.
struct NumberRule
{
    bool (*accepts)(double number);
    const char* problem; ///< behind the value
    const char* hint;
};

/// An option that takes a number, kept in base units. @param size of the unit that it is given in
OptionSpec& numberOption(OptionTable& options, const char* name, const char* unit, const NumberRule& rule,
                         double& target, const char* doc, double size = 1)
{
    OptionSpec& spec = options.custom(name, unit, doc, [&target, rule, size](const std::string& value) -> core::Status {
        PSC_ASSIGN(const double number, readNumber(value));
        if (!rule.accepts(number))
            return core::Error {core::ErrorCode::InvalidArgument, "\"" + value + "\" " + rule.problem, rule.hint};
        target = number * size;
        return core::success();
    });
    spec.kind = ValueKind::Number;
    return spec;
}

constexpr NumberRule kShare {[](double number) { return number > 0 && number <= 1; }, "is no share",
                             "give a number above 0, at most 1"};
constexpr NumberRule kAmount {[](double number) { return number >= 0 && number <= 1e6; }, "is out of range",
                              "give a number from 0 to 1000000"};
constexpr NumberRule kImbalance {[](double number) { return number >= 1 && number <= 4096; }, "is no imbalance",
                                 "give a number from 1 to 4096"};

/// "2:4", or the share of weights that are zero.
core::Result<roofline::Sparsity> readSparsity(const std::string& value)
{
    const core::Error none {core::ErrorCode::InvalidArgument, "\"" + value + "\" is no sparsity",
                            "give N:M with N below M, such as 2:4, or the share of zeros, such as 0.5"};
    const std::size_t colon = value.find(':');
    roofline::Sparsity sparsity;
    if (colon == std::string::npos) {
        const core::Result<double> zeros = readNumber(value);
        if (!zeros.ok() || !(zeros.value() > 0 && zeros.value() < 1))
            return none;
        sparsity.density = 1 - zeros.value();
        return sparsity;
    }
    const core::Result<double> kept = readNumber(value.substr(0, colon));
    const core::Result<double> of = readNumber(value.substr(colon + 1));
    if (!kept.ok() || !of.ok() || !(kept.value() >= 1 && kept.value() < of.value() && of.value() <= 64) ||
        std::floor(kept.value()) != kept.value() || std::floor(of.value()) != of.value())
        return none;
    sparsity.kept = static_cast<int>(kept.value());
    sparsity.of = static_cast<int>(of.value());
    return sparsity;
}

} // namespace

core::Result<roofline::Efficiency> readEfficiency(const std::string& text)
{
    if (text.find('=') == std::string::npos)
        return roofline::namedEfficiency(text);
    using Value = double roofline::Efficiency::*;
    static const std::vector<std::pair<std::string, Value>> values {
        {"matrix", &roofline::Efficiency::matrix},        {"vector", &roofline::Efficiency::vector},
        {"memory", &roofline::Efficiency::memory},        {"network", &roofline::Efficiency::network},
        {"launch", &roofline::Efficiency::launchSeconds}, {"latency", &roofline::Efficiency::linkLatencySeconds}};
    roofline::Efficiency efficiency;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string part = text.substr(begin, end - begin);
        const std::string name = part.substr(0, part.find('='));
        const auto known =
            std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == name; });
        if (known == values.end() || name == part) {
            std::vector<std::string> names;
            for (const auto& [each, member] : values)
                names.push_back(each);
            return core::Error {core::ErrorCode::InvalidArgument, "--efficiency knows no \"" + part + "\"",
                                core::suggestion(name, names)};
        }
        PSC_ASSIGN(efficiency.*known->second, readNumber(part.substr(name.size() + 1)));
        begin = end + 1;
    }
    return efficiency;
}

roofline::Request RooflineRequest::load() const
{
    return {.batch = static_cast<double>(batch),
            .prompt = static_cast<double>(prompt),
            .generated = static_cast<double>(generate),
            .chunk = static_cast<double>(chunk)};
}

void RooflineRequest::declare(OptionTable& options)
{
    const char* modelText = "A config.json, a Hugging Face folder (its weights are not needed), a .gguf file, or a "
                            "name in the folders of PARETOSCOPE_MODELS; or a project (*.pscope).";
    options.text("MODEL", "", model, modelText).kind = ValueKind::Model;
    options.text("--model", "MODEL", model, "The same as MODEL.").kind = ValueKind::Model;
    options.text("--config", "FILE", model, "The same as MODEL.").kind = ValueKind::File;
    options.text("--hardware", "NAME", hardware, "The device; \"paretoscope hardware list\" prints the names.");
    options.text("--device", "NAME", hardware, "The same as --hardware.");
    options
        .choice(
            "--mode", mode, {"accurate", "calibrated", "lv-2409", "lv-2407"},
            "accurate; calibrated: our own engine on a machine that was measured with a model; or LLM-Viewer as it was "
            "in September or July 2024, number for number.")
        .defaultText = mode;
    options.integer("--batch", "N", batch, {1, 1 << 20}, "Sequences at once.").defaultText = std::to_string(batch);
    options.integer("--prompt", "N", prompt, {1, 1 << 28}, "Tokens of the prompt; in an lv mode, of the sequence.")
        .defaultText = std::to_string(prompt);
    options.integer("--generate", "N", generate, {1, 1 << 20}, "Tokens of the answer.").defaultText =
        std::to_string(generate);
    options.integer("--chunk", "N", chunk, {1, 1 << 28},
                    "Tokens of the prompt that one pass computes (chunked prefill); accurate mode. The table shows the "
                    "whole prompt.");
    bitsOption(options, "--weight-bits", weightBits,
               "Bits of a weight; below 16 integers in groups with 16-bit scales (lv modes: without scales).")
        .defaultText = "16";
    options.text("--weight-format", "NAME", weightFormat,
                 "How linears are stored, with all metadata, in place of --weight-bits; accurate mode.");
    options.integer("--group-size", "N", groupSize, {1, 1 << 20}, "Weights that share a scale, with --weight-bits.")
        .defaultText = std::to_string(groupSize);
    bitsOption(options, "--activation-bits", activationBits,
               "Bits of what enters matrix products; below 16 they run in integers of that width where the device has "
               "them.")
        .defaultText = "16";
    bitsOption(options, "--kv-bits", kvBits, "Bits of an element of the key/value cache.").defaultText =
        "16; lv modes: those of activations";
    options
        .custom(
            "--sparsity", "N:M|ZEROS",
            "Zeros of the linears: N of every M weights are left (2:4 runs faster where the device has it), or this "
            "share is zero at any place; accurate mode.",
            [this](const std::string& value) -> core::Status {
                PSC_ASSIGN(sparsityPattern, readSparsity(value));
                sparsity = value;
                return core::success();
            })
        .kind = ValueKind::Text;
    options.integer("--rank", "N", rank, {1, 1 << 20},
                    "Two factors of this rank in 16 bits stand in place of every linear; accurate mode.");
    numberOption(options, "--kv-keep", "SHARE", kShare, kvKeep,
                 "Share of the tokens that stay in the cache; accurate mode.")
        .defaultText = "1";
    options.integer("--kv-keep-tokens", "N", kvKeepTokens, {0, 1 << 28},
                    "With --kv-keep: but at least so many tokens stay.");
    options.integer("--kv-recent", "N", kvRecent, {0, 1 << 28},
                    "With --kv-bits: so many of the last tokens stay in 16 bits; accurate mode.");
    options
        .integer("--kv-layers", "N", kvLayers, {1, 4096},
                 "Neighbouring layers that keep one cache together; accurate mode.")
        .defaultText = "1";
    options.integer("--kv-observed", "N", kvObserved, {0, 1 << 20},
                    "With --kv-keep: the last so many queries of the prompt score all tokens; accurate mode.");
    options
        .integer("--kv-splits", "N", kvSplits, {1, 4096},
                 "Parts of the cache that decoding reads side by side for each head; accurate mode.")
        .defaultText = "1";
    options.flag("--tf32", tf32, "Products of 32-bit activations at the tf32 rate; accurate mode.");
    options.flag("--fp8-attention", fp8Attention, "Products of attention at the fp8 rate; accurate mode.");
    options.flag("--overlap", overlapsVector,
                 "Softmax beside the products of attention, as FlashAttention-3 does; accurate mode.");
    numberOption(options, "--expert-imbalance", "FACTOR", kImbalance, expertImbalance,
                 "With --ep: rows of the busiest device over the mean; accurate mode.")
        .defaultText = "1";
    options.flag("--deduplicate", deduplicatedDispatch,
                 "With --ep: a token goes once to each device, however many of its experts are there; accurate mode.");
    options.flag("--dequantise", dequantise, "Counts the arithmetic that turns codes into 16 bits; accurate mode.");
    options.flag("--tiles", tiles, "Counts the idle part of the last tiles of a matrix product; accurate mode.");
    options.flag("--flash", flash, "Fused attention; always so in accurate mode unless --eager is given.");
    options.flag("--eager", eager, "Attention in separate products and softmax.");
    options.integer("--tp", "N", tensorParallel, {1, 4096}, "Devices that share every layer (tensor parallel).")
        .defaultText = "1";
    options.integer("--pp", "N", pipelineParallel, {1, 4096}, "Devices one behind the other; accurate mode.")
        .defaultText = "1";
    options
        .integer("--ep", "N", expertParallel, {1, 4096},
                 "Devices that share the experts, each with a batch of its own; accurate mode.")
        .defaultText = "1";
    options
        .integer("--micro-batches", "N", microBatches, {1, 1 << 20},
                 "Parts of the batch that follow each other through --pp; accurate mode.")
        .defaultText = "1";
    options.flag("--sequence-parallel", sequenceParallel,
                 "Norms and sums are dealt among the devices of --tp, too; accurate mode.");
    OptionSpec& reached = options.custom(
        "--efficiency", "NAME|SHARES",
        "ideal; realistic: 0.7 of compute, 0.9 of bandwidth, 4 us per kernel; graphs: the same with 1.5 us; or your "
        "own, like matrix=0.7,launch=4e-6: shares of the rates (matrix, vector, memory, network), seconds (launch, "
        "latency).",
        [this](const std::string& value) -> core::Status {
            PSC_TRY(readEfficiency(value));
            efficiency = value;
            return core::success();
        });
    reached.kind = ValueKind::Text;
    reached.defaultText = efficiency;
    OptionSpec& fuse = options.custom("--fuse", "KERNELS",
                                      "Joined kernels, a list of qkv, gate-up, add-norm, activation, rope-store, "
                                      "permutation, or all; accurate mode.",
                                      [this](const std::string& value) {
                                          fusions.push_back(value);
                                          return core::success();
                                      });
    fuse.repeatable = true;
    options
        .text("--draft", "MODEL", draft, "Also predicts speculative decoding with this model drafting; accurate mode.")
        .kind = ValueKind::Model;
    options.integer("--draft-tokens", "N", drafted, {1, 4096}, "Tokens drafted at once.").defaultText =
        std::to_string(drafted);
    options.integer("--acceptance", "PERCENT", acceptancePercent, {0, 100}, "Drafted tokens that are accepted.")
        .defaultText = std::to_string(acceptancePercent);
    options.integer("--steps", "N", steps, {1, 1 << 20}, "Denoising steps of a diffusion transformer.").defaultText =
        std::to_string(steps);
    options.flag("--guidance", guided, "Every denoising step is computed twice (classifier-free guidance).");
    options.integer("--images", "N", images, {0, 65536}, "Images of each sequence, for a model with a vision_config.")
        .defaultText = "1";
    options.integer("--image-tokens", "N", imageTokens, {1, 1 << 24},
                    "Tokens of one image in its encoder, where the configuration does not state them.");
    options
        .text(
            "--layers", "FILE", layers,
            "In place of a model: a CSV table of layers (convolution, linear, embedding), one pass of --batch samples.")
        .kind = ValueKind::File;
    numberOption(options, "--gather-share", "SHARE", kShare, gatherShare,
                 "Of the memory bandwidth, reached by the rows that embeddings gather, with --layers.")
        .defaultText = "1";
    numberOption(options, "--offload-bandwidth", "GB/s", kAmount, offloadBandwidth,
                 "What the device cannot hold comes over a link of this bandwidth in every pass, beside the rest; "
                 "accurate mode.",
                 1e9);
    options
        .choice("--energy", energy, {"utilisation", "counted"},
                "Joules by how busy the device is (of its TDP), or by FLOPs and bytes with the three coefficients.")
        .defaultText = energy;
    numberOption(options, "--picojoules-per-flop", "PJ", kAmount, picojoulesPerFlop, "With --energy counted.")
        .defaultText = "0.75";
    numberOption(options, "--picojoules-per-bit", "PJ", kAmount, picojoulesPerBit,
                 "With --energy counted, of main memory: HBM 4, LPDDR 4 to 5, GDDR 7 to 14, DDR 15.")
        .defaultText = "4";
    numberOption(options, "--idle-watts", "W", kAmount, idleWatts, "With --energy counted.").defaultText = "0";
    options.text("--sweep", "AXIS=VALUES", sweep,
                 "One row per value of batch, prompt, generate, weight-bits, activation-bits, kv-bits, tp or bandwidth "
                 "(GB/s): 1,4,16, or 1..64 for every doubling; accurate mode.");
    options
        .text("--counters", "FILE", counters,
              "In place of a model: what Nsight Compute counted (ncu --csv), by NVTX range, beside the roofs of "
              "--hardware (\"-\": stdin).")
        .kind = ValueKind::File;
    options
        .integer(
            "--tensor-flops", "N", tensorFlops, {1, 1 << 20},
            "With --counters: FLOPs of one instruction of the tensor units, where there are no sm__ops_path_tensor "
            "metrics.")
        .defaultText = std::to_string(tensorFlops);
    options.text("--family", "NAME", family,
                 "Llama, opt, chatglm3, gpt-j-6B or DiT; lv modes, where the model_type does not tell.");
    options
        .choice("--stage", stage, {"decode", "prefill", "chat"},
                "What the table shows; with --json in an lv mode also which graph. chat: lv modes.")
        .defaultText = stage;
    options.flag("--csv", csv, "The table as CSV; in an lv mode as LLM-Viewer writes it.");
}

} // namespace paretoscope::app
