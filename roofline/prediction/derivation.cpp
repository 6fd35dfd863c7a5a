// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/derivation.h"

#include "roofline/operations/operation_catalogue.h"

#include <array>
#include <cstdio>

namespace paretoscope::roofline {

namespace {

/// "T = 1, in = 4096, out = 4096" of a plain matrix product.
std::string matrixInputs(const Operation& operation)
{
    if (operation.rows <= 0 || operation.columns <= 0)
        return {};
    return "T = " + plainNumber(operation.rows) +
           ", in = " + plainNumber(operation.matrixFlops / (2 * operation.rows * operation.columns)) +
           ", out = " + plainNumber(operation.columns);
}

std::string bytesInputs(const Operation& operation)
{
    std::string text;
    const auto add = [&](const char* name, double bytes) {
        if (bytes > 0)
            text += (text.empty() ? "" : " + ") + std::string(name) + " " + plainNumber(bytes);
    };
    add("weights", operation.weightBytes);
    add("activations read", operation.activationInBytes);
    add("activations written", operation.activationOutBytes);
    add("cache read", operation.cacheReadBytes);
    add("cache written", operation.cacheWriteBytes);
    return text;
}

Derivation collectiveTime(const Operation& operation, const Timing& timing)
{
    static constexpr std::string_view kReduce = "2·(n - 1)·latency + 2·(n - 1)/n·message/link";
    static constexpr std::string_view kOther = "(n - 1)·latency + (n - 1)/n·message/link";
    return {.quantity = "time",
            .formula = std::string(operation.collective == Collective::AllReduce ? kReduce : kOther),
            .inputs = "n = " + std::to_string(operation.devices) +
                      ", message = " + plainNumber(operation.messageBytes) + " B",
            .value = timing.total,
            .unit = "s"};
}

std::string timeInputs(const Operation& operation, const Timing& timing, const Ceilings& ceilings)
{
    std::string compute;
    if (operation.matrixFlops > 0)
        compute = plainNumber(operation.matrixFlops) + "/" +
                  plainNumber(ceilings.matrixRate(operation.matrixType).value_or(0));
    if (operation.vectorFlops > 0)
        compute += (compute.empty() ? "" : " + ") + plainNumber(operation.vectorFlops) + "/" +
                   plainNumber(ceilings.vectorRate().value_or(0));
    std::string text = "max(" + (compute.empty() ? "0" : compute) + ", " + plainNumber(operation.bytes()) + "/" +
                       plainNumber(ceilings.bandwidth()) + ")";
    if (timing.launch > 0)
        text += " + " + plainNumber(operation.launches) + "·" + plainNumber(ceilings.efficiency().launchSeconds);
    if (operation.serialSeconds > 0)
        text += " + " + plainNumber(operation.serialSeconds);
    return text;
}

} // namespace

std::string plainNumber(double value)
{
    std::array<char, 32> text {};
    std::snprintf(text.data(), text.size(), "%.4g", value);
    return text.data();
}

double peakFor(const Operation& operation, const Ceilings& ceilings, const HardwareSpec& hardware)
{
    const std::optional<NumberType> type =
        operation.matrixFlops > 0 ? ceilings.numberType(operation.matrixType) : std::optional(NumberType::Fp32);
    return type ? hardware.peak(*type).value_or(0) : 0;
}

std::vector<Derivation> derivationsOf(const Operation& operation, const Timing& timing, const Ceilings& ceilings,
                                      const HardwareSpec& hardware)
{
    std::vector<Derivation> list;
    if (operation.collective != Collective::None)
        return {collectiveTime(operation, timing)};
    static constexpr OperationNote kUnknown {};
    const OperationNote* found = noteOf(operation.name);
    const OperationNote& note = found ? *found : kUnknown;
    if (operation.matrixFlops > 0)
        list.push_back(
            {"matrix_flops", std::string(note.matrixFlops), matrixInputs(operation), operation.matrixFlops, "FLOP"});
    if (operation.vectorFlops > 0)
        list.push_back({"vector_flops", std::string(note.vectorFlops), {}, operation.vectorFlops, "FLOP"});
    list.push_back({"bytes", std::string(note.bytes), bytesInputs(operation), operation.bytes(), "B"});
    if (operation.bytes() > 0)
        list.push_back({"intensity", "FLOPs / bytes",
                        plainNumber(operation.flops()) + " / " + plainNumber(operation.bytes()),
                        operation.flops() / operation.bytes(), "FLOP/B"});
    list.push_back({"time", "max(matrix/rate + vector/fp32 rate, bytes/bandwidth) + launch",
                    timeInputs(operation, timing, ceilings), timing.total, "s"});
    if (timing.total <= 0)
        return list;
    list.push_back({"performance", "FLOPs / time", plainNumber(operation.flops()) + " / " + plainNumber(timing.total),
                    operation.flops() / timing.total, "FLOP/s"});
    if (const double peak = peakFor(operation, ceilings, hardware); peak > 0)
        list.push_back({"mfu",
                        "performance / peak",
                        plainNumber(operation.flops() / timing.total) + " / " + plainNumber(peak),
                        operation.flops() / timing.total / peak,
                        {}});
    list.push_back({"mbu",
                    "bytes / (time · bandwidth)",
                    plainNumber(operation.bytes()) + " / (" + plainNumber(timing.total) + " · " +
                        plainNumber(hardware.bandwidthBytesPerSecond) + ")",
                    operation.bytes() / (timing.total * hardware.bandwidthBytesPerSecond),
                    {}});
    return list;
}

std::vector<Derivation> derivationsOf(const GenerationPrediction& p, const Request& request)
{
    const std::string steps = plainNumber(request.generated - 1);
    const MemoryNeed& memory = p.memory;
    std::vector<Derivation> list {
        {"time_to_first_token", "time of the prefill: the sum over its operations", {}, p.timeToFirstToken, "s"},
        {"time_per_output_token", "mean of the decode steps",
         steps + " steps with " + plainNumber(request.prompt + 1) + " to " +
             plainNumber(request.prompt + request.generated - 1) + " visible tokens",
         p.timePerOutputToken, "s"},
        {"total_time", "first token + (G - 1) · time per token",
         plainNumber(p.timeToFirstToken) + " + " + steps + " · " + plainNumber(p.timePerOutputToken), p.totalSeconds,
         "s"},
        {"tokens_per_second", "B · G / whole answer",
         plainNumber(request.batch) + " · " + plainNumber(request.generated) + " / " + plainNumber(p.totalSeconds),
         p.tokensPerSecond, "1/s"},
        {"memory", "weights + cache + activations + overhead",
         plainNumber(memory.weights) + " + " + plainNumber(memory.cache) + " + " + plainNumber(memory.activations) +
             " + " + plainNumber(memory.overhead),
         memory.total(), "B"},
        {"memory_weights", "stored bytes of every parameter on one device", {}, memory.weights, "B"},
        {"memory_cache", "B sequences of prompt + G tokens, in pages of 16", {}, memory.cache, "B"},
        {"memory_activations",
         "the most that is alive at once in the prefill, logits included",
         {},
         memory.activations,
         "B"},
        {"memory_overhead", "driver and libraries", {}, memory.overhead, "B"}};
    if (const std::optional<double> joules = joulesPerToken(p, request))
        list.push_back({"joules_per_token", "TDP · (0.3 + 0.4 compute + 0.2 memory + 0.1 network) · time / (B · G)",
                        plainNumber(*p.joules) + " J / (" + plainNumber(request.batch) + " · " +
                            plainNumber(request.generated) + ")",
                        *joules, "J"});
    return list;
}

} // namespace paretoscope::roofline
