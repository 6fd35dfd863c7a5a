// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_analysis.h"

#include <functional>

namespace paretoscope::views {

/// What runs along the horizontal axis of a curve, or tells curves apart.
enum class SweepAxis
{
    None,
    Batch,
    Prompt,
    Generated,
    WeightBits,
    CacheBits,
    Bandwidth, ///< of the device, from an eighth to eight times its own
    TensorParallel,
    Flash
};

struct SweepRequest
{
    SweepAxis x = SweepAxis::Batch;
    SweepAxis series = SweepAxis::WeightBits; ///< None: one curve
    std::string quantity = "tokens_per_second";
    bool operator==(const SweepRequest&) const = default;
};

struct SweepPoint
{
    double x = 0;
    double y = 0;
    bool fits = true; ///< into the memory of the device, where both are known
};

struct SweepCurve
{
    double value = 0; ///< of the axis that tells the curves apart
    std::vector<SweepPoint> points = {};
};

struct SweepResult
{
    SweepRequest request = {}; ///< a series that does not apply is None
    RooflineSetting setting = {};
    std::vector<SweepCurve> curves = {}; ///< points that are refused (a size that does not divide) are left out
    std::string unit = {};
    double capacityBytes = 0;              ///< the memory of the device; 0: not known
    std::optional<core::Error> error = {}; ///< of the first refused point, when there is no other
};

/// Whether an axis changes anything: our own engine's formats are given, and so are the weights of a trial.
bool applies(SweepAxis axis, const RooflineCase& wanted);

/// @param isCancelled asked before every point; the result is worthless when it says yes
SweepResult sweepRoofline(const RooflineCase& wanted, const SweepRequest& request,
                          const std::function<bool()>& isCancelled = {});

/// Values of an axis: all that can be drawn, or few that tell curves apart.
std::vector<double> axisValues(SweepAxis axis, const roofline::HardwareSpec& device, bool asSeries);

} // namespace paretoscope::views
