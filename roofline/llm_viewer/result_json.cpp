// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/result_json.h"

#include <string>

namespace paretoscope::roofline::llm_viewer {

namespace {

core::Json operationsJson(const Stage& stage)
{
    core::Json json = core::Json::object();
    for (const Operation& operation : stage.operations)
        json[std::string(operation.name)] = toJson(operation);
    return json;
}

} // namespace

core::Json toJson(const Operation& o)
{
    return {{"OPs", o.operations},
            {"memory_access", o.memoryAccess},
            {"arithmetic_intensity", o.arithmeticIntensity},
            {"performance", o.performance},
            {"bound", o.isMemoryBound ? "memory" : "compute"},
            {"load_weight", o.loadWeight},
            {"load_act", o.loadActivation},
            {"store_act", o.storeActivation},
            {"load_kv_cache", o.loadKvCache},
            {"store_kv_cache", o.storeKvCache},
            {"inference_time", o.inferenceTime}};
}

core::Json toJson(const Totals& totals)
{
    core::Json json = core::Json::object();
    for (const auto& [name, member] : totalMembers())
        json[name] = totals.*member;
    return json;
}

core::Json toJson(const Analysis& analysis)
{
    return {
        {"decode", operationsJson(analysis.decode)},
        {"prefill", operationsJson(analysis.prefill)},
        {"total_results", {{"decode", toJson(analysis.decode.totals)}, {"prefill", toJson(analysis.prefill.totals)}}}};
}

core::Json toJson(const Generation& generation, Profile profile)
{
    core::Json json {{"inference_time", generation.inferenceTime}};
    if (profile != Profile::Lv2407)
        json["prefill_time"] = generation.prefillTime;
    return json;
}

} // namespace paretoscope::roofline::llm_viewer
