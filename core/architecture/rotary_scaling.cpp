// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/rotary_scaling.h"

#include <cmath>
#include <numbers>
#include <string>

namespace paretoscope::core {

namespace {

Result<double> numberOf(const Json& scaling, const char* key)
{
    if (!scaling.contains(key) || !scaling.at(key).is_number() || !(scaling.at(key).get<double>() > 0))
        return Error {ErrorCode::Corrupt,
                      std::string("config.json: the rotary scaling lacks a positive \"") + key + '"',
                      "compare config.json with the one the model was published with"};
    return scaling.at(key).get<double>();
}

Status scaleLinearly(std::vector<double>& frequencies, const Json& scaling)
{
    PSC_ASSIGN(const double factor, numberOf(scaling, "factor"));
    for (double& frequency : frequencies)
        frequency /= factor;
    return success();
}

/// Long wavelengths are stretched by `factor`, short ones kept, those between interpolated (Llama 3.1).
Status scaleLikeLlama3(std::vector<double>& frequencies, const Json& scaling)
{
    PSC_ASSIGN(const double factor, numberOf(scaling, "factor"));
    PSC_ASSIGN(const double low, numberOf(scaling, "low_freq_factor"));
    PSC_ASSIGN(const double high, numberOf(scaling, "high_freq_factor"));
    PSC_ASSIGN(const double original, numberOf(scaling, "original_max_position_embeddings"));
    for (double& frequency : frequencies) {
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

} // namespace

Result<std::vector<double>> rotaryInverseFrequencies(int dimension, double theta, const Json& scaling)
{
    std::vector<double> frequencies(static_cast<std::size_t>(dimension / 2));
    for (std::size_t i = 0; i < frequencies.size(); ++i)
        frequencies[i] = std::pow(theta, -2.0 * double(i) / dimension);
    if (!scaling.is_object())
        return frequencies;

    // Newer files write rope_type, older ones type.
    const std::string type = scaling.value("rope_type", scaling.value("type", "default"));
    if (type == "linear")
        PSC_TRY(scaleLinearly(frequencies, scaling));
    else if (type == "llama3")
        PSC_TRY(scaleLikeLlama3(frequencies, scaling));
    else if (type != "default")
        return Error {ErrorCode::Unsupported, "the rotary scaling \"" + type + "\" is not known",
                      "known are default, linear and llama3"};
    return frequencies;
}

} // namespace paretoscope::core
