// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/coded_rounding.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"
#include "core/engine/quantization/affine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

namespace paretoscope::engine {

namespace {

constexpr float kScaleForZero = 0.125F; ///< of E4M3 scales that round to 0 (compressed-tensors)
constexpr std::int64_t kMicroscalingBlock = 32;
constexpr std::int64_t kNvBlock = 16;

struct NamedForm
{
    std::string_view parameter;
    std::string_view format;
    std::int64_t block = 0; ///< weights that share a scale; 0: as group_size says
};
constexpr std::array<NamedForm, 10> kForms {{
    {"nf4", "nf4"},
    {"fp4", "fp4_e2m1"},
    {"mxfp4", "fp4_e2m1", kMicroscalingBlock},
    {"nvfp4", "fp4_e2m1", kNvBlock},
    {"fp6_e2m3", "fp6_e2m3"},
    {"fp6_e3m2", "fp6_e3m2"},
    {"fp8_e4m3", "fp8_e4m3"},
    {"fp8_e5m2", "fp8_e5m2"},
    {"mxfp8", "fp8_e4m3", kMicroscalingBlock},
    {"ternary", "ternary"},
}};

/// [rows, columns] as [rows, groups, group], the last group filled up with zeros; of one scale for all [1, 1, n].
at::Tensor grouped(const at::Tensor& values, const CodedOptions& options)
{
    if (options.perTensor)
        return values.reshape({1, 1, -1});
    const std::int64_t columns = values.size(1);
    const std::int64_t size = options.form.groupSize < 0 ? columns : options.form.groupSize;
    const std::int64_t rest = (size - columns % size) % size;
    return (rest == 0 ? values : at::constant_pad_nd(values, {0, rest})).view({values.size(0), -1, size});
}

/// What a scale follows from: largest or mean magnitude of every group. @return [rows, groups] or [1, 1]
at::Tensor magnitudes(const at::Tensor& weight, const CodedOptions& options, const at::Tensor& mask)
{
    const at::Tensor values = grouped(weight, options);
    if (!options.meanScale)
        return values.abs().amax(-1);
    const at::Tensor present = grouped(mask.defined() ? mask.to(at::kFloat) : at::ones_like(weight), options);
    return values.abs().sum(-1) / present.sum(-1).clamp_min(1);
}

/// Scales in a float type, never 0: a group of zeros has 1, a scale that rounds to 0 the smallest there is.
CodedScales floatScales(const at::Tensor& wanted, ScaleCoding coding)
{
    const float smallest =
        affine_detail::smallestScale(coding == ScaleCoding::Float16 ? ScaleType::Float16 : ScaleType::Float32);
    return {coding,
            at::where(wanted == 0, at::ones_like(wanted), wanted.clamp_min(smallest)).to(storageType(coding)),
            {},
            {}};
}

/// Exponents such that the format's largest power of two meets the largest magnitude's (OCP), one more where rounding
/// up is asked for and the magnitude is beyond what the format reaches.
CodedScales powerOfTwoScales(const at::Tensor& largest, const CodedOptions& options)
{
    const auto [mantissa, exponent] = at::frexp(largest); // mantissa in [1/2, 1)
    const int octave = std::ilogb(options.form.format->largest);
    at::Tensor e = exponent.to(at::kInt) - 1 - octave + 127;
    if (options.roundsUp)
        e = e + mantissa.ge(0.875).to(at::kInt);
    e = at::where(largest == 0, at::zeros_like(e), e.clamp(0, 254));
    return {ScaleCoding::PowerOfTwo, e.to(at::kByte), {}, {}};
}

CodedScales float8Scales(const at::Tensor& largest, float largestOfAll, const CodedOptions& options)
{
    const NumberFormat& scaleFormat = *NumberFormat::find("fp8_e4m3");
    const float limit = options.form.format->largest;
    const float factor = largestOfAll > 0 ? scaleFormat.largest * limit / largestOfAll : 1.0F;
    const at::Tensor wanted = (largest * factor / limit).contiguous();
    at::Tensor stored = at::empty(wanted.sizes(), at::kByte);
    std::uint8_t* codes = stored.mutable_data_ptr<std::uint8_t>();
    scaleFormat.encode(wanted.const_data_ptr<float>(), wanted.numel(), codes);
    std::replace(codes, codes + stored.numel(), std::uint8_t(0), scaleFormat.encode(kScaleForZero));
    return {ScaleCoding::Float8, std::move(stored), at::full({1}, factor, at::kFloat), {}};
}

/// Bytes around the mean, 128 for the mean itself, with one scale per block of them.
CodedScales secondLevelScales(const at::Tensor& largest)
{
    constexpr std::int64_t kBlock = CodedScales::kBlock;
    const at::Tensor flat = largest.flatten();
    const at::Tensor mean = flat.mean().view({1});
    const std::int64_t rest = (kBlock - flat.numel() % kBlock) % kBlock;
    const at::Tensor blocks = at::constant_pad_nd(flat - mean, {0, rest}).view({-1, kBlock});
    at::Tensor scales = blocks.abs().amax(1) / 127;
    scales.masked_fill_(scales == 0, 1);
    const at::Tensor codes = (blocks / scales.unsqueeze(1)).round_().clamp_(-127, 127).add_(128).to(at::kByte);
    return {ScaleCoding::SecondLevel, codes.flatten().narrow(0, 0, flat.numel()).view(largest.sizes()).contiguous(),
            mean, scales};
}

CodedScales fitScales(const at::Tensor& weight, const CodedOptions& options, const at::Tensor& mask,
                      std::optional<float> largestOfAll)
{
    const at::Tensor magnitude = magnitudes(weight, options, mask);
    switch (options.scales) {
    case ScaleCoding::PowerOfTwo:
        return powerOfTwoScales(magnitude, options);
    case ScaleCoding::Float8:
        return float8Scales(magnitude, largestOfAll.value_or(magnitude.max().item<float>()), options);
    case ScaleCoding::SecondLevel:
        return secondLevelScales(magnitude / options.form.format->largest);
    case ScaleCoding::Float32:
    case ScaleCoding::Float16:
    case ScaleCoding::BFloat16:
        break;
    }
    return floatScales(options.meanScale ? magnitude : magnitude / options.form.format->largest, options.scales);
}

} // namespace

CodedOptions CodedOptions::fromParameters(const core::Json& parameters)
{
    const std::string name = parameters.at("format").get<std::string>();
    const auto found =
        std::find_if(kForms.begin(), kForms.end(), [&](const NamedForm& form) { return form.parameter == name; });
    PSC_ASSERT(found != kForms.end(), "the manifest names only formats that there are");
    CodedOptions options;
    options.form.format = NumberFormat::find(found->format);
    const std::string granularity = parameters.value("granularity", "group");
    options.perTensor = granularity == "tensor";
    options.form.groupSize = found->block > 0         ? found->block
                             : granularity == "group" ? parameters.value("group_size", std::int64_t(128))
                                                      : -1;
    options.scales = scaleCodingOf(AffineOptions::fromParameters(parameters).scaleType);
    if (name.starts_with("mx"))
        options.scales = ScaleCoding::PowerOfTwo;
    else if (name == "nvfp4")
        options.scales = ScaleCoding::Float8;
    else if (parameters.value("double_quantization", false))
        options.scales = ScaleCoding::SecondLevel;
    options.meanScale = name == "ternary";
    options.roundsUp = parameters.value("mx_scale_rule", "floor") == "round175";
    return options;
}

core::Result<std::shared_ptr<const CodedTensor>> roundToFormat(const at::Tensor& weight, const CodedOptions& options,
                                                               const at::Tensor& mask, std::optional<float> largest)
{
    const at::Tensor values = toHost(weight);
    const at::Tensor kept = mask.defined() ? toHost(mask) : at::Tensor();
    CodedScales scales = fitScales(values, options, kept, largest);
    const at::Tensor used = scales.values();
    if (!used.isfinite().all().item<bool>())
        return core::Error {core::ErrorCode::Numerical, "a scale of its groups is not finite",
                            "the weight holds NaN, Inf or values beyond the range of the scale: try scale_dtype "
                            "float32, or check the model file"};
    at::Tensor codes = encodeGroups(values, used, options.form);
    return std::make_shared<const CodedTensor>(options.form, std::move(codes), std::move(scales), at::Tensor(), kept);
}

} // namespace paretoscope::engine
