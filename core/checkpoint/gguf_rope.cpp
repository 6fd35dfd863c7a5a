// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_rope.h"

#include "core/checkpoint/dequantize.h"
#include "core/checkpoint/untrusted_text.h"

#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

namespace paretoscope::core {

namespace {

constexpr char kFactorsTensor[] = "rope_freqs.weight";
constexpr std::int64_t kMaxFactors = 65536;

std::string key(const GgufRopeSource& source, std::string_view suffix)
{
    return source.architecture + ".rope." + std::string(suffix);
}

/// Copies a key of the metadata into `target` when it is there.
Status copyNumber(const GgufRopeSource& source, std::string_view suffix, Json& target, const char* name)
{
    if (!source.metadata.contains(key(source, suffix)))
        return success();
    PSC_ASSIGN(const double value, decimalNumber(source.metadata, key(source, suffix)));
    target[name] = value;
    return success();
}

Status copyInteger(const GgufRopeSource& source, std::string_view suffix, Json& target, const char* name)
{
    if (!source.metadata.contains(key(source, suffix)))
        return success();
    PSC_ASSIGN(const std::int64_t value, source.metadata.integer(key(source, suffix)));
    target[name] = value;
    return success();
}

/// A small float tensor; nothing when it is absent.
Result<std::optional<std::vector<float>>> factors(const GgufRopeSource& source, std::string_view name)
{
    const GgufTensor* tensor = source.tensor(name);
    if (!tensor)
        return std::optional<std::vector<float>>();
    const auto count = elementCount(tensor->dims);
    if (!tensor->type.elementType || !count.ok() || count.value() > kMaxFactors)
        return Error {ErrorCode::Corrupt,
                      source.metadata.source() + ": tensor " + inQuotes(name) + " does not hold rotary factors",
                      "convert the model again with a current converter"};
    std::vector<float> values(static_cast<std::size_t>(count.value()));
    PSC_TRY(dequantizeTensor({source.metadata.source(), name, *tensor->type.elementType, tensor->data}, values));
    return std::optional(std::move(values));
}

struct Llama3Scaling
{
    double factor;
    double lowFrequencyFactor = 1;
    double highFrequencyFactor = 4;
    double originalPositions = 8192;
};

/// By how much Llama 3.1 divides the frequency of a rotary pair (the models' published code).
double llama3Factor(double frequency, const Llama3Scaling& scaling)
{
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength < scaling.originalPositions / scaling.highFrequencyFactor)
        return 1;
    if (wavelength > scaling.originalPositions / scaling.lowFrequencyFactor)
        return scaling.factor;
    const double smooth = (scaling.originalPositions / wavelength - scaling.lowFrequencyFactor) /
                          (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
    return 1 / ((1 - smooth) / scaling.factor + smooth);
}

bool explains(const Llama3Scaling& scaling, const std::vector<float>& factors, double theta)
{
    constexpr double kTolerance = 1e-4; // the converter computes in float32
    for (std::size_t i = 0; i < factors.size(); ++i) {
        const double frequency = std::pow(theta, -static_cast<double>(i) / static_cast<double>(factors.size()));
        const double expected = llama3Factor(frequency, scaling);
        if (!(std::fabs(static_cast<double>(factors[i]) - expected) <= kTolerance * expected))
            return false;
    }
    return true;
}

/// Converters store the factors of Llama 3.1's scaling, not its parameters. The published models share all of these
/// but the factor, which is that of the lowest frequency.
Json fromFrequencyFactors(const GgufRopeSource& source, const std::vector<float>& factors)
{
    const double theta = source.config.at("rope_theta").get<double>();
    const double factor = factors.empty() ? 1 : static_cast<double>(factors.back());
    std::vector<double> origins {8192};
    if (source.config.contains("max_position_embeddings"))
        origins.push_back(source.config.at("max_position_embeddings").get<double>() / factor);
    for (const double origin : origins) {
        const Llama3Scaling scaling {.factor = factor, .originalPositions = std::round(origin)};
        if (factor >= 1 && scaling.originalPositions >= 1 && explains(scaling, factors, theta))
            return Json {{"rope_type", "llama3"},
                         {"factor", scaling.factor},
                         {"low_freq_factor", scaling.lowFrequencyFactor},
                         {"high_freq_factor", scaling.highFrequencyFactor},
                         {"original_max_position_embeddings", static_cast<std::int64_t>(scaling.originalPositions)}};
    }
    return Json {{"rope_type", "frequency_factors"}};
}

Result<Json> longRope(const GgufRopeSource& source)
{
    PSC_ASSIGN(const auto longFactors, factors(source, "rope_factors_long.weight"));
    PSC_ASSIGN(const auto shortFactors, factors(source, "rope_factors_short.weight"));
    if (!longFactors || !shortFactors)
        return Json();
    Json scaling {{"rope_type", "longrope"}, {"long_factor", *longFactors}, {"short_factor", *shortFactors}};
    PSC_TRY(copyNumber(source, "scaling.attn_factor", scaling, "attention_factor"));
    PSC_TRY(copyInteger(source, "scaling.original_context_length", scaling, "original_max_position_embeddings"));
    return scaling;
}

Result<Json> yarn(const GgufRopeSource& source)
{
    Json scaling {{"rope_type", "yarn"}};
    PSC_TRY(copyNumber(source, "scaling.factor", scaling, "factor"));
    PSC_TRY(copyNumber(source, "scaling.attn_factor", scaling, "attention_factor"));
    PSC_TRY(copyNumber(source, "scaling.yarn_beta_fast", scaling, "beta_fast"));
    PSC_TRY(copyNumber(source, "scaling.yarn_beta_slow", scaling, "beta_slow"));
    PSC_TRY(copyInteger(source, "scaling.original_context_length", scaling, "original_max_position_embeddings"));
    return scaling;
}

} // namespace

Result<Json> ropeScaling(const GgufRopeSource& source)
{
    PSC_ASSIGN(const auto frequencyFactors, factors(source, kFactorsTensor));
    if (frequencyFactors)
        return fromFrequencyFactors(source, *frequencyFactors);
    PSC_ASSIGN(const std::string type, source.metadata.textOr(key(source, "scaling.type"), ""));
    if (type == "yarn")
        return yarn(source);
    if (type == "longrope" || source.tensor("rope_factors_long.weight"))
        return longRope(source);
    if (type == "none")
        return Json();
    if (!type.empty() && type != "linear")
        return Error {ErrorCode::Unsupported,
                      source.metadata.source() + ": metadata key " + inQuotes(key(source, "scaling.type")) +
                          " has the unknown value " + inQuotes(type),
                      "linear, yarn, longrope and none are supported"};
    // "scale_linear" is the spelling of older converters.
    Json scaling {{"rope_type", "linear"}};
    PSC_TRY(copyNumber(source, "scale_linear", scaling, "factor"));
    PSC_TRY(copyNumber(source, "scaling.factor", scaling, "factor"));
    const bool scales = scaling.contains("factor") && scaling["factor"] != 1.0;
    return scales ? scaling : Json();
}

Result<double> decimalNumber(const GgufMetadata& metadata, std::string_view key)
{
    PSC_ASSIGN(const double value, metadata.number(key));
    if (!std::isfinite(value))
        return Error {ErrorCode::Corrupt, metadata.source() + ": metadata key " + inQuotes(key) + " is not finite",
                      "convert the model again with a current converter"};
    const auto narrow = static_cast<float>(value);
    if (static_cast<double>(narrow) != value)
        return value; // an f64, or an integer beyond 2^24
    char buffer[32];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, narrow);
    double shortest = value;
    std::from_chars(buffer, written.ptr, shortest);
    return shortest;
}

} // namespace paretoscope::core
