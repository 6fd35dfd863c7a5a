// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/vision_language.h"

#include "core/base/json.h"

#include <cmath>

namespace paretoscope::roofline {

namespace {

core::Status check(const VisionLanguageShape& model, double images)
{
    if (!(images >= 0 && images <= 65536) || images != std::floor(images))
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the number of images is " + core::canonicalJson(core::Json(images)),
                            "give a whole number from 0 to 65536"};
    if (images > 0 && !(model.imageTokens() >= 1))
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the configuration does not state how many tokens an image has",
                            "give them (--image-tokens)"};
    return core::success();
}

double secondsOf(const StepPrediction& step, std::string_view section)
{
    double seconds = 0;
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        if (step.operations.sections[s].name != section)
            continue;
        for (const Timing& timing : step.timings[s])
            seconds += step.operations.sections[s].count * timing.total;
    }
    return seconds;
}

} // namespace

core::Result<VisionLanguagePrediction> predictVisionLanguage(const VisionLanguageShape& model,
                                                             const Execution& execution, const Request& request,
                                                             double images, const HardwareSpec& hardware,
                                                             const Efficiency& efficiency)
{
    PSC_TRY(check(model, images));
    VisionLanguagePrediction result;
    result.readTokens = request.prompt + images * model.imageTokens();
    Request reading = request;
    reading.prompt = result.readTokens;
    PSC_ASSIGN(result.answer, predictGeneration(model.language, execution, reading, hardware, efficiency));
    if (images == 0)
        return result;
    const PassRequest passes {.images = request.batch * images, .tokens = model.vision.imageTokens};
    PSC_ASSIGN(const PassPrediction pass, predictPasses(model.vision, execution, passes, hardware, efficiency));
    result.vision = pass.pass;
    result.projectorSeconds = secondsOf(pass.pass, "projector");
    result.encoderSeconds = pass.totalSeconds - result.projectorSeconds;
    GenerationPrediction& answer = result.answer;
    answer.timeToFirstToken += pass.totalSeconds;
    answer.totalSeconds += pass.totalSeconds;
    answer.tokensPerSecond = request.batch * request.generated / answer.totalSeconds;
    answer.memory.activations = std::max(answer.memory.activations, pass.memory.activations);
    answer.setWeightBytes(answer.memory.weights + pass.memory.weights, hardware);
    if (answer.joules && pass.joules)
        *answer.joules += *pass.joules;
    return result;
}

} // namespace paretoscope::roofline
