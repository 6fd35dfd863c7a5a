// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/cases.h"

#include "core/base/json_fields.h"
#include "roofline/llm_viewer/graph.h"
#include "roofline/llm_viewer/result_json.h"

#include <charconv>

namespace paretoscope::roofline::llm_viewer {

namespace {

using core::Error;
using core::ErrorCode;
using core::JsonFields;

core::Result<Hardware> readHardware(const core::Json& json, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    Hardware hardware;
    PSC_ASSIGN(hardware.bandwidth, fields.required<double>("bandwidth"));
    PSC_ASSIGN(hardware.fp16, fields.required<double>("FP16"));
    if (fields.find("INT8")) {
        PSC_ASSIGN(hardware.int8, fields.required<double>("INT8"));
    }
    PSC_ASSIGN(hardware.onchipBuffer, fields.optional<double>("onchip_buffer", 0));
    return hardware;
}

core::Result<Setting> readSetting(JsonFields& fields)
{
    Setting setting;
    PSC_ASSIGN(setting.batchSize, fields.required<double>("batchsize"));
    PSC_ASSIGN(setting.sequenceLength, fields.optional<double>("seqlen", 1));
    PSC_ASSIGN(setting.weightBits, fields.required<double>("w_bit"));
    PSC_ASSIGN(setting.activationBits, fields.required<double>("a_bit"));
    PSC_ASSIGN(setting.kvBits, fields.optional<double>("kv_bit", setting.activationBits));
    PSC_ASSIGN(setting.flashAttention, fields.optional<bool>("use_flashattention", false));
    PSC_ASSIGN(setting.tensorParallel, fields.optional<double>("tp_size", 1));
    return setting;
}

/// "FP16" is 16, "INT8" 8, "INT4" 4, "<n>-bit" n.
core::Result<double> readQuantisation(JsonFields& fields, std::string_view name)
{
    PSC_ASSIGN(const std::string text, fields.required<std::string>(name));
    for (const auto& [known, bits] : {std::pair("FP16", 16.0), std::pair("INT8", 8.0), std::pair("INT4", 4.0)}) {
        if (text == known)
            return bits;
    }
    double bits = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (problem == std::errc {} && std::string_view(rest, text.data() + text.size()) == "-bit")
        return bits;
    return fields.error(name, "\"" + text.substr(0, 40) + "\" is not FP16, INT8, INT4 or <n>-bit");
}

core::Result<GraphRequest> readGraphRequest(JsonFields& fields)
{
    GraphRequest request;
    PSC_ASSIGN(const std::string stage, fields.required<std::string>("stage"));
    if (stage == "prefill")
        request.stage = GraphStage::Prefill;
    else if (stage == "chat")
        request.stage = GraphStage::Chat;
    else if (stage != "decode")
        return fields.error("stage", "\"" + stage.substr(0, 40) + "\" is not decode, prefill or chat");
    PSC_ASSIGN(request.setting.batchSize, fields.required<double>("batch_size"));
    PSC_ASSIGN(request.setting.sequenceLength, fields.required<double>("seq_length"));
    PSC_ASSIGN(request.generationLength, fields.optional<double>("gen_length", 1));
    PSC_ASSIGN(request.setting.weightBits, readQuantisation(fields, "w_quant"));
    PSC_ASSIGN(request.setting.activationBits, readQuantisation(fields, "a_quant"));
    PSC_ASSIGN(request.setting.kvBits, readQuantisation(fields, "kv_quant"));
    PSC_ASSIGN(request.setting.flashAttention, fields.optional<bool>("use_flashattention", false));
    PSC_ASSIGN(request.setting.tensorParallel, fields.optional<double>("tp_size", 1));
    return request;
}

core::Result<core::Json> computeRecord(JsonFields& record, const std::string& where)
{
    PSC_ASSIGN(const std::string profileText, record.required<std::string>("profile"));
    PSC_ASSIGN(const Profile profile, profileFromName(profileText));
    const core::Json modelJson = record.anything("model");
    PSC_ASSIGN(JsonFields modelFields, JsonFields::of(modelJson, where + ": model"));
    PSC_ASSIGN(const std::string family, modelFields.required<std::string>("family"));
    const core::Json config = modelFields.anything("config");
    PSC_ASSIGN(const Model model, readModel(family, config));
    PSC_ASSIGN(const Hardware hardware, readHardware(record.anything("hardware"), where + ": hardware"));
    const core::Json settings = record.anything("settings");
    PSC_ASSIGN(JsonFields fields, JsonFields::of(settings, where + ": settings"));
    PSC_ASSIGN(const std::string kind, record.required<std::string>("kind"));
    if (kind == "ui_graph") {
        PSC_ASSIGN(const GraphRequest request, readGraphRequest(fields));
        return graphDocument(profile, model, hardware, request);
    }
    PSC_ASSIGN(const Setting setting, readSetting(fields));
    if (kind == "analyze") {
        PSC_TRY(fields.required<double>("seqlen"));
        PSC_ASSIGN(const Analysis analysis, analyse(profile, model, hardware, setting));
        return toJson(analysis);
    }
    if (kind != "generate")
        return record.error("kind", "\"" + kind.substr(0, 40) + "\" is not analyze, generate or ui_graph");
    PSC_ASSIGN(const double prompt, fields.required<double>("prompt_len"));
    PSC_ASSIGN(const double length, fields.required<double>("gen_len"));
    PSC_ASSIGN(const Generation generation, generate(profile, model, hardware, setting, prompt, length));
    return toJson(generation, profile);
}

} // namespace

core::Result<core::Json> computeCases(const core::Json& document)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(document, "cases"));
    PSC_ASSIGN(const std::string format, fields.required<std::string>("format"));
    if (format != "paretoscope-roofline-parity/1")
        return fields.error("format", "\"" + format.substr(0, 40) + "\" is not paretoscope-roofline-parity/1");
    const core::Json* records = fields.find("records");
    if (!records || !records->is_array())
        return fields.error("records", "is not a list");
    core::Json result = document;
    for (core::Json& record : result["records"]) {
        PSC_ASSIGN(JsonFields recordFields, JsonFields::of(record, "record"));
        PSC_ASSIGN(const std::string where, recordFields.required<std::string>("id"));
        core::Result<core::Json> computed = computeRecord(recordFields, where);
        record.erase("results");
        record.erase("expected_error");
        if (computed.ok())
            record["results"] = std::move(computed).value();
        else
            record["expected_error"] = computed.error().message;
    }
    return result;
}

} // namespace paretoscope::roofline::llm_viewer
