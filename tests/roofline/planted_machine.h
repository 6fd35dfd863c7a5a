// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/measured/layer_points.h"
#include "tests/roofline/sample_models.h"

#include <algorithm>
#include <cmath>

/// A machine whose rates are known, and steps that it takes as long for as one wants.
namespace paretoscope::roofline::test {

inline core::Repeated exactly(double seconds)
{
    return {.median = seconds, .best = seconds, .variation = 0, .count = 5};
}

/// 2 threads, of each 10 GB/s of memory, 20 GB/s of the last cache (32 MiB) and 40 GB/s of its own (512 KiB), 50
/// GFLOP/s.
inline MachineProfile plantedMachine()
{
    MachineProfile machine;
    machine.name = "planted";
    machine.deviceName = "a processor";
    machine.kind = "cpu";
    machine.threads = 2;
    machine.build = "test";
    machine.measuredUtc = "2025-01-31T10:00:00.000Z";
    machine.memoryBytes = 16e9;
    machine.coreCacheBytes = 512 << 10;
    machine.lastCacheBytes = 32 << 20;
    machine.device = {{"id", "cpu"}, {"name", "a processor"}, {"memory_bytes", 16e9}};
    const auto add = [&](const char* name, const char* unit, double perThread) {
        for (const int threads : {1, 2})
            machine.rates.push_back({.name = name,
                                     .threads = threads,
                                     .work = perThread * threads,
                                     .unit = unit,
                                     .seconds = exactly(1),
                                     .again = 1});
    };
    add("dram_read", "B", 10e9);
    add("dram_copy", "B", 9e9);
    add("last_cache_read", "B", 40e9);
    add("core_cache_read", "B", 80e9);
    add("vector_multiply_add", "FLOP", 50e9);
    add("matrix_float32", "FLOP", 45e9);
    add("matrix_bfloat16", "FLOP", 1e9);
    for (const double multiplyAdds : {0.0, 4.0, 64.0}) {
        const double intensity = (2 * multiplyAdds + 1) / 4;
        machine.rates.push_back({.name = "read_multiply_add_" + std::to_string(int(multiplyAdds)),
                                 .threads = 2,
                                 .work = 4e9 * intensity,
                                 .unit = "FLOP",
                                 .size = 4e9,
                                 .seconds = exactly(4e9 * intensity / std::min(90e9, 18e9 * intensity)),
                                 .again = 4e9 * intensity / std::min(90e9, 18e9 * intensity)});
    }
    return machine;
}

inline core::Json plantedConfig()
{
    return {{"model_type", "llama"},    {"hidden_size", 1024}, {"intermediate_size", 4096}, {"num_attention_heads", 16},
            {"num_key_value_heads", 4}, {"head_dim", 64},      {"num_hidden_layers", 12},   {"vocab_size", 32000}};
}

/// What the kernels of the planted machine reach.
inline ReachedShares plantedShares(KernelKind kind)
{
    switch (kind) {
    case KernelKind::Product:
        return {.matrix = 0.8, .vector = 0.5, .memory = 0.7, .launchSeconds = 2e-6};
    case KernelKind::Attention:
        return {.matrix = 0.3, .vector = 0.3, .memory = 0.4, .launchSeconds = 8e-6};
    case KernelKind::Norm:
        return {.vector = 0.3, .memory = 0.3, .launchSeconds = 4e-6};
    case KernelKind::Rotation:
        return {.vector = 0.25, .memory = 0.25, .launchSeconds = 3e-6};
    case KernelKind::Elementwise:
        return {.vector = 0.5, .memory = 0.5, .launchSeconds = 6e-6};
    case KernelKind::CacheWrite:
        return {.vector = 0.6, .memory = 0.6, .launchSeconds = 3e-6};
    case KernelKind::Gather:
        break;
    }
    return {.vector = 0.2, .memory = 0.2, .launchSeconds = 5e-6};
}
inline constexpr double kPlantedStart = 150e-6; ///< before the first operation of a step

inline double plantedSeconds(const CeilingTimes& times)
{
    return times.seconds(plantedShares(times.kind), false);
}

/// Parts as the engine names them, from what the operations of the pass take.
inline MeasuredStep plantedStep(const MachineProfile& machine, const ModelShape& model, bool isPrefill, double batch,
                                double tokens)
{
    static constexpr const char* kParts[] {"attn_norm", "q_proj",   "k_proj",    "v_proj",  "kv_store", "attention",
                                           "o_proj",    "mlp_norm", "gate_proj", "up_proj", "down_proj"};
    const EngineStep predicted = orDie(engineStep(machine, model, {}, isPrefill, batch, tokens));
    MeasuredStep step {.isPrefill = isPrefill, .batch = batch, .tokens = tokens, .atOnce = std::min(batch, 2.0)};
    double total = 0;
    for (const EngineSection& section : predicted.sections) {
        std::vector<MeasuredPart> parts;
        double sum = section.name == "entry" ? kPlantedStart : 0;
        for (std::size_t i = 0; i < section.operations.size(); ++i) {
            const std::string name(section.operations[i].name);
            if (std::find(std::begin(kParts), std::end(kParts), name) != std::end(kParts))
                parts.emplace_back(name, 0);
            const double seconds = plantedSeconds(section.times[i]);
            sum += seconds;
            if (!parts.empty())
                parts.back().second += seconds;
        }
        total += section.count * sum;
        if (section.name == "entry")
            step.entrySeconds = sum;
        else if (section.name == "head")
            step.headSeconds = sum;
        else
            step.blocks.insert(step.blocks.end(), section.layers.size(), parts);
    }
    step.seconds = exactly(total);
    step.watchedSeconds = exactly(total);
    return step;
}

/// The machine after it was measured with a model of plantedConfig().
inline MachineProfile measuredMachine()
{
    MachineProfile machine = plantedMachine();
    const ModelShape shape = orDie(readModelShape(plantedConfig(), PARETOSCOPE_RESOURCES "/architectures"));
    MeasuredModel model {.name = "planted", .sha256 = std::string(64, '0'), .config = plantedConfig()};
    for (const bool isPrefill : {true, false}) {
        for (const double batch : {1.0, 8.0}) {
            for (const double tokens : {16.0, 128.0})
                model.steps.push_back(plantedStep(machine, shape, isPrefill, batch, tokens));
        }
    }
    machine.model = std::move(model);
    return machine;
}

} // namespace paretoscope::roofline::test
