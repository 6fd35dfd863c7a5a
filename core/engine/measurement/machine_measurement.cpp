// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/machine_measurement.h"

#include "core/engine/build_info.h"
#include "core/engine/measurement/ceilings.h"
#include "core/engine/measurement/model_steps.h"
#include "core/engine/measurement/products.h"
#include "core/engine/process_memory.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

using core::Json;

/// The generation path computes in float32; libtorch's fused kernel attends unless the model caps scores or has sinks.
Json executionOf(const core::Architecture& architecture)
{
    const bool isExplicit =
        std::any_of(architecture.blocks.begin(), architecture.blocks.end(), [](const core::BlockSpec& block) {
            const auto* attention = block.find<core::AttentionSpec>();
            return attention && (attention->softCap != 0 || !attention->sinks.empty());
        });
    return {
        {"weight_bits", 32}, {"activation_bits", 32}, {"kv_bits", 32}, {"attention", isExplicit ? "eager" : "flash"}};
}

core::Result<Json> measureModel(const Surroundings& surroundings, const WarmModel& model)
{
    PeakMemory memory;
    PSC_ASSIGN(Json steps, measureSteps(surroundings, model));
    return Json {
        {"name", model.path().filename().string()},        {"sha256", model.digest().hex()},
        {"config", model.tensors().checkpoint().config()}, {"execution", executionOf(model.graph().architecture())},
        {"peak_memory_bytes", memory.peak().value},        {"steps", std::move(steps)}};
}

} // namespace

core::Result<Json> measureMachine(const Surroundings& surroundings, const std::string& deviceId, const WarmModel* model)
{
    constexpr std::int64_t kSide = 4096;
    constexpr std::int64_t kQuickSide = 1024;
    const std::int64_t side = surroundings.isQuick ? kQuickSide : kSide;
    std::vector<ProductShape> shapes {{side, side}};
    if (model) {
        const std::vector<ProductShape> own = productShapes(model->graph());
        shapes.insert(shapes.end(), own.begin(), own.end());
    }
    Json before = conditionsNow();
    Json rounds = Json::array();
    for (int round = 0; round < 2; ++round) {
        PSC_ASSIGN(Json ceilings, measureCeilings(surroundings));
        rounds.push_back(std::move(ceilings));
    }
    PSC_ASSIGN(Json products, measureProducts(surroundings, shapes));
    Json measured;
    if (model) {
        PSC_ASSIGN(measured, measureModel(surroundings, *model));
    }
    return Json {{"device", describeDevice(deviceId)},
                 {"threads", surroundings.threads},
                 {"quick", surroundings.isQuick},
                 {"build", buildName()},
                 {"caches", {{"core_bytes", surroundings.caches.perCore}, {"last_bytes", surroundings.caches.last}}},
                 {"conditions", {{"before", std::move(before)}, {"after", conditionsNow()}}},
                 {"rounds", std::move(rounds)},
                 {"products", std::move(products)},
                 {"model", std::move(measured)}};
}

} // namespace paretoscope::engine
