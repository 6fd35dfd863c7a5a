// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/rotary.h"

#include "core/architecture/family_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <numbers>
#include <string>

namespace paretoscope::core {

namespace {

/// The settings of one scaling, each checked when it is read.
class Scaling
{
public:
    Scaling(const Json& json, const RotaryBase& base)
        : m_json(json)
        , m_base(base)
    {}

    bool has(const char* key) const { return m_json.contains(key) && !m_json.at(key).is_null(); }

    Result<double> positive(const char* key) const
    {
        if (!has(key) || !m_json.at(key).is_number() || !(m_json.at(key).get<double>() > 0))
            return Error {ErrorCode::Corrupt,
                          std::string("config.json: the rotary scaling lacks a positive \"") + key + '"', kConfigHint};
        return m_json.at(key).get<double>();
    }

    Result<double> positiveOr(const char* key, double fallback) const
    {
        return has(key) ? positive(key) : Result<double>(fallback);
    }

    /// Length of the context that the model was trained on before it was extended.
    Result<double> originalPositions() const
    {
        if (has("original_max_position_embeddings"))
            return positive("original_max_position_embeddings");
        const std::int64_t stated = m_base.originalPositions > 0 ? m_base.originalPositions : m_base.maxPositions;
        return stated > 0 ? Result<double>(double(stated)) : positive("original_max_position_embeddings");
    }

    Result<std::vector<double>> factors(const char* key) const
    {
        const auto wanted = static_cast<std::size_t>(m_base.dimension / 2);
        const bool isList = has(key) && m_json.at(key).is_array() && m_json.at(key).size() == wanted;
        const auto isPositive = [](const Json& entry) { return entry.is_number() && entry.get<double>() > 0; };
        if (!isList || !std::all_of(m_json.at(key).begin(), m_json.at(key).end(), isPositive))
            return Error {ErrorCode::Corrupt,
                          std::string("config.json: \"") + key + "\" of the rotary scaling is no list of " +
                              std::to_string(wanted) + " positive numbers",
                          kConfigHint};
        return m_json.at(key).get<std::vector<double>>();
    }

    /// Errors: Unsupported (a setting that is on and not among `known`).
    Status requireKnown(const std::string& type, std::initializer_list<std::string_view> known) const
    {
        constexpr std::array<std::string_view, 5> always {"rope_type", "type", "rope_theta", "partial_rotary_factor",
                                                          "original_max_position_embeddings"};
        for (const auto& [key, value] : m_json.items()) {
            const bool isKnown = std::find(known.begin(), known.end(), key) != known.end() ||
                                 std::find(always.begin(), always.end(), key) != always.end();
            if (!isKnown && !value.is_null())
                return Error {ErrorCode::Unsupported,
                              "the rotary scaling \"" + type + "\" has the unknown setting " + key + " = " +
                                  value.dump().substr(0, 80),
                              kConfigHint};
        }
        return success();
    }

    Result<bool> booleanOr(const char* key, bool fallback) const
    {
        if (!has(key))
            return fallback;
        if (!m_json.at(key).is_boolean())
            return Error {ErrorCode::Corrupt,
                          std::string("config.json: \"") + key + "\" of the rotary scaling is not true or false",
                          kConfigHint};
        return m_json.at(key).get<bool>();
    }

private:
    const Json& m_json;
    const RotaryBase& m_base;
};

/// theta^(-2i/d) of every pair.
std::vector<double> plainFrequencies(double theta, int dimension)
{
    std::vector<double> frequencies;
    for (int i = 0; i < dimension / 2; ++i)
        frequencies.push_back(std::pow(theta, -2.0 * double(i) / dimension));
    return frequencies;
}

Status scaleLinearly(RotarySpec& spec, const Scaling& scaling)
{
    PSC_TRY(scaling.requireKnown("linear", {"factor"}));
    PSC_ASSIGN(const double factor, scaling.positive("factor"));
    for (double& frequency : spec.angles.inverseFrequencies)
        frequency /= factor;
    return success();
}

/// The length from which theta grows is that of the configuration, not original_max_position_embeddings (transformers).
Status scaleDynamically(RotarySpec& spec, const Scaling& scaling, const RotaryBase& base)
{
    PSC_TRY(scaling.requireKnown("dynamic", {"factor"}));
    PSC_ASSIGN(const double factor, scaling.positive("factor"));
    if (base.maxPositions < 1)
        return Error {ErrorCode::Corrupt,
                      "config.json lacks \"max_position_embeddings\", from which dynamic rotary scaling starts",
                      kConfigHint};
    if (base.dimension < 4)
        return Error {ErrorCode::Corrupt, "config.json: dynamic rotary scaling of 2 channels has no formula",
                      kConfigHint};
    spec.alikeUpTo = base.maxPositions;
    spec.dynamic = DynamicTheta {base.theta, factor};
    return success();
}

/// Long wavelengths are stretched by `factor`, short ones kept, those between interpolated (Llama 3.1).
Status scaleLikeLlama3(RotarySpec& spec, const Scaling& scaling)
{
    PSC_TRY(scaling.requireKnown("llama3", {"factor", "low_freq_factor", "high_freq_factor"}));
    PSC_ASSIGN(const double factor, scaling.positive("factor"));
    PSC_ASSIGN(const double low, scaling.positive("low_freq_factor"));
    PSC_ASSIGN(const double high, scaling.positive("high_freq_factor"));
    PSC_ASSIGN(const double original, scaling.positive("original_max_position_embeddings"));
    for (double& frequency : spec.angles.inverseFrequencies) {
        const double wavelength = 2 * std::numbers::pi / frequency;
        if (wavelength > original / low) {
            frequency /= factor;
        } else if (wavelength >= original / high) {
            const double smooth = (original / wavelength - low) / (high - low);
            frequency = (1 - smooth) * frequency / factor + smooth * frequency;
        }
    }
    return success();
}

/// Growth of attention temperature with the stretch of the context (YaRN, Peng et al., ICLR 2024).
double yarnMagnitude(double factor, double weight)
{
    return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

Result<double> yarnAmplitude(const Scaling& scaling, double factor)
{
    if (scaling.has("attention_factor"))
        return scaling.positive("attention_factor");
    if (!scaling.has("mscale") || !scaling.has("mscale_all_dim"))
        return yarnMagnitude(factor, 1);
    PSC_ASSIGN(const double weight, scaling.positive("mscale"));
    PSC_ASSIGN(const double allDimensions, scaling.positive("mscale_all_dim"));
    return yarnMagnitude(factor, weight) / yarnMagnitude(factor, allDimensions);
}

/// Pairs that turn more than beta_fast times within the original context are kept, those that turn less than beta_slow
/// times are stretched by `factor`, with a linear ramp over the pairs between (YaRN).
Status scaleLikeYarn(RotarySpec& spec, const Scaling& scaling, const RotaryBase& base)
{
    PSC_TRY(scaling.requireKnown(
        "yarn", {"factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate"}));
    PSC_ASSIGN(const double factor, scaling.positive("factor"));
    PSC_ASSIGN(const double fast, scaling.positiveOr("beta_fast", 32));
    PSC_ASSIGN(const double slow, scaling.positiveOr("beta_slow", 1));
    PSC_ASSIGN(const double original, scaling.originalPositions());
    PSC_ASSIGN(const bool truncate, scaling.booleanOr("truncate", true));
    PSC_ASSIGN(spec.angles.amplitude, yarnAmplitude(scaling, factor));
    const auto pairThatTurns = [&](double times) {
        return base.dimension * std::log(original / (times * 2 * std::numbers::pi)) / (2 * std::log(base.theta));
    };
    double low = pairThatTurns(fast);
    double high = pairThatTurns(slow);
    if (truncate) {
        low = std::floor(low);
        high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, double(base.dimension - 1));
    if (low == high)
        high += 0.001; // as published: no division by zero
    for (std::size_t i = 0; i < spec.angles.inverseFrequencies.size(); ++i) {
        const double ramp = std::clamp((double(i) - low) / (high - low), 0.0, 1.0);
        double& frequency = spec.angles.inverseFrequencies[i];
        frequency = frequency / factor * ramp + frequency * (1 - ramp);
    }
    return success();
}

/// One stretch per pair, another one for sequences beyond the original context (LongRoPE, as in Phi-3).
Status scaleLikeLongrope(RotarySpec& spec, const Scaling& scaling, const RotaryBase& base)
{
    if (base.amplitudeByLength)
        PSC_TRY(scaling.requireKnown("longrope", {"short_factor", "long_factor", "short_mscale", "long_mscale"}));
    else
        PSC_TRY(scaling.requireKnown("longrope", {"short_factor", "long_factor", "factor", "attention_factor"}));
    PSC_ASSIGN(const double original, scaling.originalPositions());
    PSC_ASSIGN(const double factor, scaling.positiveOr("factor", double(base.maxPositions) / original));
    const double growth = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(original));
    PSC_ASSIGN(spec.angles.amplitude, scaling.positiveOr("attention_factor", growth));
    PSC_ASSIGN(const std::vector<double> shortFactors, scaling.factors("short_factor"));
    PSC_ASSIGN(const std::vector<double> longFactors, scaling.factors("long_factor"));
    spec.alikeUpTo = static_cast<std::int64_t>(original);
    spec.longer = spec.angles;
    for (std::size_t i = 0; i < spec.angles.inverseFrequencies.size(); ++i) {
        spec.angles.inverseFrequencies[i] /= shortFactors[i];
        spec.longer->inverseFrequencies[i] /= longFactors[i];
    }
    if (base.amplitudeByLength) {
        PSC_ASSIGN(spec.angles.amplitude, scaling.positive("short_mscale"));
        PSC_ASSIGN(spec.longer->amplitude, scaling.positive("long_mscale"));
    }
    return success();
}

} // namespace

RotaryAngles RotarySpec::anglesFor(std::int64_t length) const
{
    if (longer && length > alikeUpTo)
        return *longer;
    if (!hasAnglesOfItsOwn(length))
        return angles;
    const double stretch = dynamic->factor * double(length) / double(alikeUpTo) - (dynamic->factor - 1);
    const double exponent = double(dimension()) / (dimension() - 2);
    return {plainFrequencies(dynamic->theta * std::pow(stretch, exponent), dimension()), angles.amplitude};
}

Result<RotarySpec> rotarySpec(const RotaryBase& base, const Json& scaling)
{
    RotarySpec spec;
    spec.angles.inverseFrequencies = plainFrequencies(base.theta, base.dimension);
    if (!scaling.is_object())
        return spec;

    // Newer files write rope_type, older ones type; "su" is the first name of longrope.
    const std::string type = scaling.value("rope_type", scaling.value("type", "default"));
    const Scaling settings(scaling, base);
    if (base.amplitudeByLength && type != "longrope" && type != "default")
        return Error {ErrorCode::Unsupported, "the rotary scaling \"" + type + "\" is not known for this family",
                      "known are default and longrope"};
    if (type == "linear")
        PSC_TRY(scaleLinearly(spec, settings));
    else if (type == "dynamic")
        PSC_TRY(scaleDynamically(spec, settings, base));
    else if (type == "llama3")
        PSC_TRY(scaleLikeLlama3(spec, settings));
    else if (type == "yarn")
        PSC_TRY(scaleLikeYarn(spec, settings, base));
    else if (type == "longrope" || type == "su")
        PSC_TRY(scaleLikeLongrope(spec, settings, base));
    else if (type == "default")
        PSC_TRY(settings.requireKnown("default", {}));
    else
        return Error {ErrorCode::Unsupported, "the rotary scaling \"" + type + "\" is not known",
                      "known are default, linear, dynamic, llama3, yarn and longrope"};
    return spec;
}

} // namespace paretoscope::core
