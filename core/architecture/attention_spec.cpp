// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/attention_spec.h"

#include "core/architecture/part_reader.h"

#include <cmath>

namespace paretoscope::core {

namespace {

/// Query, key, value and output, however they are stored.
Status readProjections(const Json& spec, const PartReader& reader, AttentionSpec& result)
{
    PSC_ASSIGN(const bool bias, reader.boolean(spec, "bias", false));
    PSC_ASSIGN(const bool outputBias, reader.boolean(spec, "output_bias", false));
    PSC_ASSIGN(const bool transposed, reader.boolean(spec, "transposed", false));
    const std::int64_t hidden = reader.sizes().hidden;
    result.output = {reader.named(spec.at("o_proj")), hidden, result.queryWidth(), outputBias, transposed};
    if (!spec.contains("qkv_proj")) {
        result.query = {reader.named(spec.at("q_proj")), result.queryWidth(), hidden, bias, transposed};
        result.key = {reader.named(spec.at("k_proj")), result.keyWidth(), hidden, bias, transposed};
        result.value = {reader.named(spec.at("v_proj")), result.keyWidth(), hidden, bias, transposed};
        return success();
    }
    const std::string layout = spec.at("qkv_layout").get<std::string>();
    if (layout != "concatenated" && layout != "per_head")
        return reader.values().familyError("\"" + layout + "\" is no layout of qkv");
    result.layout = layout == "per_head" ? QkvLayout::PerHead : QkvLayout::Concatenated;
    if (result.layout == QkvLayout::PerHead && result.heads != result.kvHeads)
        return Error {ErrorCode::Unsupported,
                      "config.json: " + reader.values().family() + " models with " + std::to_string(result.kvHeads) +
                          " key/value heads for " + std::to_string(result.heads) + " heads are not known",
                      kConfigHint};
    result.qkv = {reader.named(spec.at("qkv_proj")), result.queryWidth() + 2 * result.keyWidth(), hidden, bias,
                  transposed};
    return success();
}

Result<std::optional<QueryTemperature>> readTemperature(const Json& spec, const PartReader& reader)
{
    if (!spec.contains("temperature"))
        return std::optional<QueryTemperature>();
    const FamilyValues& values = reader.values();
    PSC_ASSIGN(const Json* chosen, values.choose(spec.at("temperature")));
    if (chosen->is_null())
        return std::optional<QueryTemperature>();
    PSC_TRY(values.requireMembers(*chosen, "temperature", {"scale", "interval"}));
    QueryTemperature result;
    PSC_ASSIGN(result.scale, values.number(chosen->at("scale")));
    PSC_ASSIGN(result.interval, values.number(chosen->at("interval")));
    if (!(result.interval > 0))
        return Error {ErrorCode::Corrupt, "config.json: the attention temperature changes after no positions",
                      kConfigHint};
    return std::optional(result);
}

Status readNorms(const Json& spec, const PartReader& reader, AttentionSpec& result)
{
    const bool perHead = spec.value("norm_over", "head") == "head";
    PSC_ASSIGN(result.queryNorm,
               reader.optionalNorm(spec, "query_norm", perHead ? result.headDim : result.queryWidth()));
    PSC_ASSIGN(result.keyNorm, reader.optionalNorm(spec, "key_norm", perHead ? result.headDim : result.keyWidth()));
    PSC_ASSIGN(result.clip, reader.number(spec, "clip", 0));
    PSC_ASSIGN(const bool isAfter, reader.boolean(spec, "norm_after_rotary", false));
    result.normsAfterRotary = isAfter && result.rotary;
    const auto hasWeight = [](const std::optional<NormSpec>& norm) { return norm && !norm->weight.empty(); };
    if (result.normsAfterRotary && (hasWeight(result.queryNorm) || hasWeight(result.keyNorm) || result.clip != 0))
        return reader.values().familyError("behind a rotation only norms without weight and no limits can stand");
    return success();
}

} // namespace

Result<std::optional<RotarySpec>> readRotary(const Json& spec, const PartReader& reader, std::int64_t headDim)
{
    const FamilyValues& values = reader.values();
    PSC_ASSIGN(const Json* chosen, values.choose(spec));
    if (chosen->is_null())
        return std::optional<RotarySpec>();
    PSC_TRY(values.requireMembers(
        *chosen, "rotary", {"style", "fraction", "theta", "scaling", "original_positions", "amplitude_by_length"}));
    PSC_ASSIGN(const double fraction, reader.number(*chosen, "fraction", 1));
    PSC_ASSIGN(const double theta, values.number(chosen->at("theta")));
    if (!(theta > 0))
        return Error {ErrorCode::Corrupt, "config.json: rope_theta is not positive", kConfigHint};
    RotaryBase base {.theta = theta, .maxPositions = reader.sizes().maxPositions};
    base.dimension = static_cast<int>(double(headDim) * fraction);
    if (!(fraction > 0) || fraction > 1 || base.dimension < 2 || base.dimension % 2 != 0)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + std::to_string(fraction) + " of head_dim " + std::to_string(headDim) +
                          " is no even number of rotary channels",
                      kConfigHint};
    PSC_ASSIGN(base.originalPositions, reader.size(*chosen, "original_positions", 0));
    PSC_ASSIGN(base.amplitudeByLength, reader.boolean(*chosen, "amplitude_by_length", false));
    PSC_ASSIGN(const Json scaling, values.value(chosen->at("scaling")));
    PSC_ASSIGN(RotarySpec result, rotarySpec(base, scaling));
    result.style = chosen->at("style") == "interleaved" ? RotaryStyle::Interleaved : RotaryStyle::HalfSplit;
    return std::optional(std::move(result));
}

Result<AttentionSpec> readAttention(const Json& spec, const PartReader& reader)
{
    PSC_TRY(reader.values().requireMembers(spec, "attention",
                                           {"kind",        "q_proj",     "k_proj",      "v_proj",
                                            "qkv_proj",    "qkv_layout", "o_proj",      "bias",
                                            "output_bias", "transposed", "scale",       "scale_divisor",
                                            "query_norm",  "key_norm",   "norm_over",   "norm_after_rotary",
                                            "clip",        "rotary",     "temperature", "window",
                                            "chunk",       "soft_cap",   "sinks"}));
    AttentionSpec result;
    result.heads = static_cast<int>(reader.sizes().heads);
    result.kvHeads = static_cast<int>(reader.sizes().kvHeads);
    result.headDim = static_cast<int>(reader.sizes().headDim);
    PSC_TRY(readProjections(spec, reader, result));
    PSC_ASSIGN(result.scale, reader.number(spec, "scale", 1.0 / std::sqrt(double(result.headDim))));
    PSC_ASSIGN(const double divisor, reader.number(spec, "scale_divisor", 1));
    if (divisor == 0)
        return Error {ErrorCode::Corrupt, "config.json: the scale of attention cannot be divided by 0", kConfigHint};
    result.scale /= divisor;
    if (spec.contains("rotary")) {
        PSC_ASSIGN(result.rotary, readRotary(spec.at("rotary"), reader, result.headDim));
    }
    PSC_TRY(readNorms(spec, reader, result));
    PSC_ASSIGN(result.temperature, readTemperature(spec, reader));
    PSC_ASSIGN(result.window, reader.size(spec, "window", 0));
    PSC_ASSIGN(result.chunk, reader.size(spec, "chunk", 0));
    PSC_ASSIGN(result.softCap, reader.number(spec, "soft_cap", 0));
    if (spec.contains("sinks"))
        result.sinks = reader.named(spec.at("sinks"));
    return result;
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const AttentionSpec& attention)
{
    if (attention.layout == QkvLayout::Separate) {
        for (const LinearSpec* linear : {&attention.query, &attention.key, &attention.value})
            appendTensors(tensors, *linear);
    } else {
        appendTensors(tensors, attention.qkv);
    }
    if (attention.queryNorm)
        appendTensors(tensors, *attention.queryNorm);
    if (attention.keyNorm)
        appendTensors(tensors, *attention.keyNorm);
    if (!attention.sinks.empty())
        tensors.push_back({attention.sinks, {attention.heads}});
    appendTensors(tensors, attention.output);
}

} // namespace paretoscope::core
