// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/part_reader.h"

#include "core/base/near_miss.h"

#include <array>

namespace paretoscope::core {

namespace {

struct PartKind
{
    std::string_view name;
    Result<PartSpec> (*read)(const Json& spec, const PartReader& reader);
};

template <auto read>
Result<PartSpec> asPart(const Json& spec, const PartReader& reader)
{
    PSC_ASSIGN(auto part, read(spec, reader));
    return PartSpec(std::move(part));
}

/// "kind" of a part in a family file.
constexpr std::array kPartKinds {
    PartKind {"attention", &asPart<&readAttention>},
    PartKind {"mlp", &asPart<&readMlp>},
    PartKind {"latent_attention", &asPart<&readLatentAttention>},
    PartKind {"moe", &asPart<&readMoe>},
};

Result<PartSpec> readPart(const Json& spec, const PartReader& reader)
{
    PSC_ASSIGN(const Json* chosen, reader.values().choose(spec));
    const std::string kind = chosen->at("kind").get<std::string>();
    for (const PartKind& known : kPartKinds) {
        if (known.name == kind)
            return known.read(*chosen, reader);
    }
    return reader.values().familyError("\"" + kind + "\" is no part of a block");
}

} // namespace

std::string PartReader::named(const Json& name) const
{
    std::string result = m_prefix + name.get<std::string>();
    const std::string placeholder = "{expert}";
    if (const std::size_t at = result.find(placeholder); at != std::string::npos)
        result.replace(at, placeholder.size(), std::to_string(m_expert));
    return result;
}

PartReader PartReader::forExpert(std::int64_t expert, std::int64_t experts) const
{
    PartReader reader = *this;
    reader.m_expert = expert;
    reader.m_experts = experts;
    return reader;
}

Result<NormSpec> PartReader::norm(const Json& spec, std::int64_t width) const
{
    PSC_TRY(m_values.requireMembers(spec, "a norm", {"kind", "weight", "bias", "epsilon", "weight_offset"}));
    NormSpec result;
    const std::string kind = spec.at("kind").get<std::string>();
    if (kind != "layer" && kind != "rms")
        return m_values.familyError("\"" + kind + "\" is no kind of norm");
    result.kind = kind == "layer" ? NormKind::Layer : NormKind::Rms;
    if (!spec.at("weight").is_null())
        result.weight = named(spec.at("weight"));
    if (spec.contains("bias"))
        result.bias = named(spec.at("bias"));
    result.width = width;
    PSC_ASSIGN(result.epsilon, m_values.number(spec.at("epsilon")));
    PSC_ASSIGN(result.weightOffset, number(spec, "weight_offset", 0));
    return result;
}

Result<std::optional<NormSpec>> PartReader::optionalNorm(const Json& parent, const char* member,
                                                         std::int64_t width) const
{
    if (!parent.contains(member))
        return std::optional<NormSpec>();
    PSC_ASSIGN(const Json* chosen, m_values.choose(parent.at(member)));
    if (chosen->is_null())
        return std::optional<NormSpec>();
    PSC_ASSIGN(NormSpec found, norm(*chosen, width));
    return std::optional(std::move(found));
}

Result<Activation> PartReader::activation(const Json& spec) const
{
    PSC_ASSIGN(const std::string name, m_values.text(spec));
    if (name == "silu" || name == "swish")
        return Activation::Silu;
    if (name == "gelu")
        return Activation::GeluErf;
    if (name == "gelu_pytorch_tanh" || name == "gelu_new")
        return Activation::GeluTanh;
    if (name == "relu")
        return Activation::Relu;
    return Error {ErrorCode::Unsupported, "config.json: the activation \"" + name + "\" is not known",
                  suggestion(name, {"silu", "gelu", "gelu_pytorch_tanh", "gelu_new", "relu"})};
}

Result<double> PartReader::number(const Json& parent, const char* member, double fallback) const
{
    if (!parent.contains(member))
        return fallback;
    PSC_ASSIGN(const Json found, m_values.value(parent.at(member)));
    return found.is_null() ? Result<double>(fallback) : m_values.number(parent.at(member));
}

Result<bool> PartReader::boolean(const Json& parent, const char* member, bool fallback) const
{
    return parent.contains(member) ? m_values.boolean(parent.at(member)) : Result<bool>(fallback);
}

Result<std::int64_t> PartReader::size(const Json& parent, const char* member, std::int64_t fallback) const
{
    return parent.contains(member) ? m_values.size(parent.at(member)) : Result<std::int64_t>(fallback);
}

Result<SublayerSpec> PartReader::sublayer(const Json& spec) const
{
    PSC_TRY(m_values.requireMembers(spec, "a sublayer", {"norm", "part", "post_norm", "multiplier", "residual_norm"}));
    SublayerSpec result;
    PSC_ASSIGN(result.norm, optionalNorm(spec, "norm", m_sizes.hidden));
    PSC_ASSIGN(result.part, readPart(spec.at("part"), *this));
    PSC_ASSIGN(result.postNorm, optionalNorm(spec, "post_norm", m_sizes.hidden));
    PSC_ASSIGN(result.multiplier, number(spec, "multiplier", 1));
    PSC_ASSIGN(result.residualNorm, optionalNorm(spec, "residual_norm", m_sizes.hidden));
    return result;
}

} // namespace paretoscope::core
