// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/prediction/memory.h"
#include "roofline/prediction/step_prediction.h"

namespace paretoscope::roofline {

/// What a whole answer takes: the prefill yields the first token, every further one is a decode step.
struct GenerationPrediction
{
    StepPrediction prefill = {};   ///< of the whole prompt at once, also where it is computed in chunks
    StepPrediction decode = {};    ///< the first decode step, with prompt + 1 visible tokens
    double timeToFirstToken = 0;   ///< seconds
    double timePerOutputToken = 0; ///< mean of the decode steps, seconds; of one step when there is none
    double totalSeconds = 0;
    double tokensPerSecond = 0; ///< generated, of the whole batch
    MemoryNeed memory = {};
    std::optional<bool> fits = {};     ///< nothing when the device's memory is not known
    std::optional<double> joules = {}; ///< nothing when its power is not known

    /// The weights take so many bytes in place of those that were computed.
    void setWeightBytes(double bytes, const HardwareSpec& hardware);
};
/// Of every token of the answer; nothing when the joules are not known.
std::optional<double> joulesPerToken(const GenerationPrediction& prediction, const Request& request);

/// Seconds of the decode steps with `first` to `last` visible tokens. Exact: between two lengths at which every
/// operation is bound by the same term the time is linear, so that few steps are computed.
core::Result<double> decodeSeconds(const ModelShape& model, const Execution& execution, double batch, double first,
                                   double last, const Ceilings& ceilings, const CacheGeometry& geometry);

/// Errors: those of predictStep(); InvalidArgument (batch, prompt, generated tokens or the chunk below 1 or beyond
/// 2^31, more than a million chunks).
core::Result<GenerationPrediction> predictGeneration(const ModelShape& model, const Execution& execution,
                                                     const Request& request, const HardwareSpec& hardware,
                                                     const Efficiency& efficiency);

/// A model without vocabulary makes passes over all tokens of its images.
struct PassRequest
{
    double images = 1;
    double tokens = 1;   ///< of one image
    double steps = 1;    ///< of denoising
    bool guided = false; ///< classifier-free guidance: every step is computed with and without the condition

    double passes() const { return steps * (guided ? 2 : 1); }
};

struct PassPrediction
{
    StepPrediction pass = {};
    double totalSeconds = 0;
    MemoryNeed memory = {};
    std::optional<bool> fits = {};
    std::optional<double> joules = {};
};

/// Errors: those of predictStep(); InvalidArgument (a count below 1 or beyond 2^31).
core::Result<PassPrediction> predictPasses(const ModelShape& model, const Execution& execution,
                                           const PassRequest& request, const HardwareSpec& hardware,
                                           const Efficiency& efficiency);

/// What drafting saves. Seconds.
struct SpeculationPrediction
{
    double draftStep = 0;
    double targetStep = 0;
    double verifyStep = 0; ///< of the target on all drafted tokens and one more
    double tokens = 0;     ///< expected, per cycle
    double perToken = 0;
    double speedup = 0;
};

/// Decoding at request.prompt + 1 visible tokens with a smaller model that drafts. Errors: those of predictStep();
/// InvalidArgument (an acceptance outside of [0, 1], nothing drafted).
core::Result<SpeculationPrediction> predictSpeculation(const ModelShape& target, const ModelShape& draft,
                                                       const Execution& execution, const Request& request,
                                                       double acceptance, int drafted, const HardwareSpec& hardware,
                                                       const Efficiency& efficiency);

/// Speculative decoding (Leviathan et al., arXiv 2211.17192): `drafted` tokens, each accepted with this probability.
double expectedTokens(double acceptance, int drafted);
/// Speed-up over plain decoding. @param draftStep @param targetStep seconds of one token @param verifyStep seconds of
/// the target for drafted + 1 tokens at once
double speculativeSpeedup(double acceptance, int drafted, double draftStep, double targetStep, double verifyStep);

} // namespace paretoscope::roofline
