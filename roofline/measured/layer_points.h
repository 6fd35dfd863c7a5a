// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/measured/engine_step.h"
#include "roofline/prediction/ceilings.h"

#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::roofline {

/// A part of a measured step beside what was predicted for it; on a roofline chart its intensity is flops / bytes, and
/// its rate flops / seconds. Seconds are of one layer, all sequences.
struct LayerPoint
{
    std::size_t step = 0; ///< index into MeasuredModel::steps
    std::string part;
    std::vector<std::string> operations = {}; ///< that the part consists of
    double count = 1;                         ///< equal layers
    double flops = 0;
    double bytes = 0;
    Bound bound = Bound::Memory; ///< at the ceilings: compute or memory
    double idealSeconds = 0;
    double overallSeconds = 0;    ///< by the one set of shares for all kernels
    double calibratedSeconds = 0; ///< by the shares of each kind
    double leftOutSeconds = 0;    ///< likewise, fitted without this step
    double measuredSeconds = 0;
};

struct StepPoint
{
    std::size_t step = 0;
    double idealSeconds = 0;
    double calibratedSeconds = 0;
    double measuredSeconds = 0;
};

struct MeasuredPoints
{
    std::vector<LayerPoint> parts = {};
    std::vector<StepPoint> steps = {};
};

/// Fits the calibration to the steps of the profile's model and gives its points. The profile must have a model.
/// @param families folder of the family files. Errors: those of readModelShape() and calibrate(); Corrupt (the steps
/// are not those of the model).
core::Result<MeasuredPoints> calibrateProfile(MachineProfile& profile, const std::filesystem::path& families);

/// What of a profile should not be relied on, one sentence each: a part or step that is more than 1.05 times as fast as
/// the ceilings allow (check 10), rates and steps that differ by more than 5 % when they are measured again, watching
/// that slows a step by more than 2 %, and rates that vary by more than 3 %.
std::vector<std::string> remarksOn(const MachineProfile& profile, const MeasuredPoints& points);

} // namespace paretoscope::roofline
