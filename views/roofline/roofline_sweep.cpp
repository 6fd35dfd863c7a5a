// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_sweep.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::views {

namespace {

/// Powers of two from `least` to `most`, with `between` values in each doubling; whole numbers.
std::vector<double> doublings(double least, double most, int between)
{
    std::vector<double> values;
    const double ratio = std::exp2(1.0 / (between + 1));
    for (double value = least; value <= most * 1.0001; value *= ratio) {
        const double whole = std::round(value);
        if (values.empty() || whole > values.back())
            values.push_back(whole);
    }
    return values;
}

void apply(SweepAxis axis, double value, RooflineSetting& setting, roofline::HardwareSpec& device)
{
    switch (axis) {
    case SweepAxis::None:
        return;
    case SweepAxis::Batch:
        setting.batch = value;
        return;
    case SweepAxis::Prompt:
        setting.prompt = value;
        return;
    case SweepAxis::Generated:
        setting.generated = value;
        return;
    case SweepAxis::WeightBits:
        setting.weightBits = value;
        setting.weightFormat.clear();
        return;
    case SweepAxis::CacheBits:
        setting.kvBits = value;
        return;
    case SweepAxis::Bandwidth:
        device.bandwidthBytesPerSecond = value;
        return;
    case SweepAxis::TensorParallel:
        setting.tensorParallel = int(value);
        return;
    case SweepAxis::Flash:
        setting.flash = value > 0;
        return;
    }
}

const roofline::Derivation* find(const std::vector<roofline::Derivation>& results, std::string_view quantity)
{
    const auto found = std::find_if(results.begin(), results.end(),
                                    [&](const roofline::Derivation& each) { return each.quantity == quantity; });
    return found == results.end() ? nullptr : &*found;
}

} // namespace

std::vector<double> axisValues(SweepAxis axis, const roofline::HardwareSpec& device, bool asSeries)
{
    switch (axis) {
    case SweepAxis::None:
        return {0};
    case SweepAxis::Batch:
        return asSeries ? std::vector<double> {1, 8, 64, 256} : doublings(1, 1024, 3);
    case SweepAxis::Prompt:
        return asSeries ? std::vector<double> {256, 1024, 4096, 16384} : doublings(64, 131072, 3);
    case SweepAxis::Generated:
        return asSeries ? std::vector<double> {16, 128, 1024} : doublings(1, 8192, 3);
    case SweepAxis::WeightBits:
        return asSeries ? std::vector<double> {16, 8, 4, 2} : std::vector<double> {1, 2, 3, 4, 5, 6, 7, 8, 16};
    case SweepAxis::CacheBits:
        return asSeries ? std::vector<double> {16, 8, 4, 2} : std::vector<double> {1, 2, 3, 4, 5, 6, 7, 8, 16};
    case SweepAxis::Bandwidth: {
        std::vector<double> values;
        for (double exponent = -3; exponent <= 3; exponent += asSeries ? 1.5 : 0.25)
            values.push_back(device.bandwidthBytesPerSecond * std::exp2(exponent));
        return values;
    }
    case SweepAxis::TensorParallel:
        return asSeries ? std::vector<double> {1, 2, 4, 8} : doublings(1, kMostTensorParallel, 0);
    case SweepAxis::Flash:
        return {1, 0};
    }
    return {};
}

bool applies(SweepAxis axis, const RooflineCase& wanted)
{
    if (wanted.setting.mode == RooflineMode::Calibrated)
        return axis <= SweepAxis::Generated;
    return axis != SweepAxis::WeightBits || !wanted.stored;
}

SweepResult sweepRoofline(const RooflineCase& wanted, const SweepRequest& request,
                          const std::function<bool()>& isCancelled)
{
    SweepResult result {.request = request, .setting = wanted.setting};
    result.capacityBytes = wanted.device.memoryBytes.value_or(0);
    if (!applies(request.x, wanted)) {
        result.error = core::Error {core::ErrorCode::Unsupported, "what runs along the axis is given here",
                                    "choose the batch or a length; or the accurate mode and the free what-if"};
        return result;
    }
    if (!applies(request.series, wanted))
        result.request.series = SweepAxis::None;
    std::optional<core::Error> refused;
    for (const double series : axisValues(result.request.series, wanted.device, true)) {
        SweepCurve curve {.value = series};
        for (const double x : axisValues(request.x, wanted.device, false)) {
            if (isCancelled && isCancelled())
                return result;
            RooflineCase here = wanted;
            apply(result.request.series, series, here.setting, here.device);
            apply(request.x, x, here.setting, here.device);
            const auto results = rooflineResults(here);
            if (!results.ok()) {
                refused = refused ? refused : results.error();
                continue;
            }
            const roofline::Derivation* found = find(results.value(), request.quantity);
            if (!found)
                continue;
            const roofline::Derivation* memory = find(results.value(), "memory");
            const bool fits = !memory || result.capacityBytes <= 0 || memory->value <= result.capacityBytes;
            result.unit = found->unit;
            curve.points.push_back({x, found->value, fits});
        }
        if (!curve.points.empty())
            result.curves.push_back(std::move(curve));
    }
    if (result.curves.empty())
        result.error = refused;
    return result;
}

} // namespace paretoscope::views
