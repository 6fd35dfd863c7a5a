// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/energy.h"

namespace paretoscope::roofline {

double utilisationJoules(const StepPrediction& step, double tdpWatts)
{
    double joules = 0;
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        for (const Timing& timing : step.timings[s]) {
            if (timing.total <= 0)
                continue;
            // busy share times duration is the ideal time of each part
            const double compute = std::min(timing.matrix + timing.vector, timing.total);
            const double memory = std::min(timing.memory, timing.total);
            joules += step.operations.sections[s].count * tdpWatts *
                      (0.3 * timing.total + 0.4 * compute + 0.2 * memory + 0.1 * timing.communication);
        }
    }
    return joules;
}

double countedJoules(const StepPrediction& step, const EnergyCoefficients& coefficients)
{
    return step.flops * coefficients.joulesPerFlop + step.bytes * coefficients.joulesPerByte +
           step.seconds * coefficients.idleWatts;
}

double countedJoules(const GenerationPrediction& answer, double generated, const EnergyCoefficients& coefficients)
{
    return countedJoules(answer.prefill, coefficients) + (generated - 1) * countedJoules(answer.decode, coefficients);
}

} // namespace paretoscope::roofline
