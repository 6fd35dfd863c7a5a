// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/latent_attention_spec.h"

#include "core/architecture/part_reader.h"

#include <cmath>

namespace paretoscope::core {

namespace {

Result<int> dimension(const Json& spec, const char* member, const PartReader& reader)
{
    PSC_ASSIGN(const std::int64_t size, reader.values().size(spec.at(member)));
    if (size < 1)
        return Error {ErrorCode::Corrupt, std::string("config.json: the ") + member + " of latent attention is 0",
                      kConfigHint};
    return static_cast<int>(size);
}

/// What a context extended by YaRN multiplies the logits of attention with (mscale² in the published code).
Result<double> contextFactor(const Json& spec, const PartReader& reader)
{
    PSC_ASSIGN(const Json scaling, reader.values().value(spec.at("rotary").at("scaling")));
    if (!scaling.is_object() || scaling.value("rope_type", scaling.value("type", "default")) == "default")
        return 1.0;
    const double factor = scaling.value("factor", 1.0);
    const double allDimensions = scaling.value("mscale_all_dim", 0.0);
    if (allDimensions == 0 || factor <= 1)
        return 1.0;
    const double magnitude = 0.1 * allDimensions * std::log(factor) + 1;
    return magnitude * magnitude;
}

Status readQuery(const Json& spec, const PartReader& reader, bool bias, LatentAttentionSpec& result)
{
    const std::int64_t hidden = reader.sizes().hidden;
    const std::int64_t width = std::int64_t(result.heads) * result.keyDim();
    PSC_ASSIGN(const std::int64_t rank, reader.size(spec, "query_rank", 0));
    if (rank == 0) {
        result.query = {reader.named(spec.at("query")), width, hidden};
        return success();
    }
    result.queryDown = LinearSpec {reader.named(spec.at("query_down")), rank, hidden, bias};
    PSC_ASSIGN(result.queryNorm, reader.norm(spec.at("query_norm"), rank));
    result.query = {reader.named(spec.at("query_up")), width, rank};
    return success();
}

} // namespace

Result<LatentAttentionSpec> readLatentAttention(const Json& spec, const PartReader& reader)
{
    PSC_TRY(reader.values().requireMembers(spec, "latent_attention",
                                           {"kind", "query", "query_rank", "query_down", "query_norm", "query_up",
                                            "key_value_down", "key_value_norm", "key_value", "output", "bias", "rank",
                                            "plain_dim", "rotary_dim", "value_dim", "rotary"}));
    LatentAttentionSpec result;
    result.heads = static_cast<int>(reader.sizes().heads);
    PSC_ASSIGN(result.plainDim, dimension(spec, "plain_dim", reader));
    PSC_ASSIGN(result.rotaryDim, dimension(spec, "rotary_dim", reader));
    PSC_ASSIGN(result.valueDim, dimension(spec, "value_dim", reader));
    PSC_ASSIGN(result.rank, dimension(spec, "rank", reader));
    PSC_ASSIGN(const bool bias, reader.boolean(spec, "bias", false));
    const std::int64_t hidden = reader.sizes().hidden;
    PSC_TRY(readQuery(spec, reader, bias, result));
    result.keyValueDown = {reader.named(spec.at("key_value_down")), result.rank + result.rotaryDim, hidden, bias};
    PSC_ASSIGN(result.keyValueNorm, reader.norm(spec.at("key_value_norm"), result.rank));
    result.keyValue = {reader.named(spec.at("key_value")),
                       std::int64_t(result.heads) * (result.plainDim + result.valueDim), result.rank};
    result.output = {reader.named(spec.at("output")), hidden, std::int64_t(result.heads) * result.valueDim, bias};
    PSC_ASSIGN(auto rotary, readRotary(spec.at("rotary"), reader, result.rotaryDim));
    if (!rotary)
        return reader.values().familyError("latent_attention has no rotary part");
    result.rotary = std::move(*rotary);
    PSC_ASSIGN(const double factor, contextFactor(spec, reader));
    result.scale = factor / std::sqrt(double(result.keyDim()));
    return result;
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const LatentAttentionSpec& attention)
{
    if (attention.queryDown)
        appendTensors(tensors, *attention.queryDown);
    if (attention.queryNorm)
        appendTensors(tensors, *attention.queryNorm);
    for (const LinearSpec* linear : {&attention.query, &attention.keyValueDown})
        appendTensors(tensors, *linear);
    appendTensors(tensors, attention.keyValueNorm);
    for (const LinearSpec* linear : {&attention.keyValue, &attention.output})
        appendTensors(tensors, *linear);
}

} // namespace paretoscope::core
