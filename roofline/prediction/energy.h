// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/prediction/generation.h"

namespace paretoscope::roofline {

/// Joules of one pass on one device by how much of its parts is busy: TDP · (0.3 idle + 0.4 compute + 0.2 memory +
/// 0.1 network) (the model of GenZ, arXiv 2406.01698).
double utilisationJoules(const StepPrediction& step, double tdpWatts);

/// Energy of the parts of an operation; orders of magnitude (O'Connor et al. 2017, Horowitz ISSCC 2014).
struct EnergyCoefficients
{
    double joulesPerFlop = 0.75e-12; ///< fp16 multiply-add at 45 nm, per FLOP
    double joulesPerByte = 32e-12;   ///< HBM: 4 pJ per bit
    double idleWatts = 0;
};
double countedJoules(const StepPrediction& step, const EnergyCoefficients& coefficients);
/// Of a whole answer on one device; every decode step counts like the first one.
double countedJoules(const GenerationPrediction& answer, double generated, const EnergyCoefficients& coefficients);

} // namespace paretoscope::roofline
