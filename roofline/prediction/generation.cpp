// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/generation.h"

#include "core/base/json.h"
#include "roofline/prediction/energy.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

/// A decode step at one length: its time and which term decides each operation.
struct Sample
{
    double visible = 0;
    double seconds = 0;
    std::vector<std::uint8_t> limiters;
};

/// Sums decode steps over a range of lengths.
class DecodeSum
{
public:
    DecodeSum(const ModelShape& model, const Execution& execution, double batch, const Ceilings& ceilings,
              const CacheGeometry& geometry)
        : m_model(model)
        , m_execution(execution)
        , m_batch(batch)
        , m_ceilings(ceilings)
        , m_geometry(geometry)
    {}

    /// A step that was predicted already.
    void know(double visible, const StepPrediction& step) { m_known = sampleOf(visible, step); }

    core::Result<double> over(double first, double last)
    {
        if (isStaircase())
            return everyStep(first, last);
        double sum = 0;
        double from = first;
        for (const double end : ends(first, last)) {
            PSC_ASSIGN(const Sample low, at(from));
            PSC_ASSIGN(const Sample high, at(end));
            PSC_ASSIGN(const double part, between(low, high));
            sum += part;
            from = end + 1;
        }
        return sum;
    }

private:
    /// Rounded numbers of tokens are not linear in the length.
    bool isStaircase() const
    {
        return m_execution.kv.keepRatio < 1 || std::any_of(m_model.runs.begin(), m_model.runs.end(),
                                                           [](const LayerRun& run) { return run.shape.tokenKeep < 1; });
    }

    core::Result<double> everyStep(double first, double last) const
    {
        double sum = 0;
        for (double visible = first; visible <= last; ++visible) {
            PSC_ASSIGN(const Sample sample, at(visible));
            sum += sample.seconds;
        }
        return sum;
    }

    /// Last lengths of the pieces on which bytes and FLOPs are linear.
    std::set<double> ends(double first, double last) const
    {
        std::set<double> result {last};
        const auto add = [&](double end) {
            if (end >= first && end < last)
                result.insert(std::floor(end));
        };
        add(m_execution.kv.recentTokens);
        for (const LayerRun& run : m_model.runs) {
            for (const SublayerShape& sublayer : run.shape.sublayers) {
                if (const auto* attention = std::get_if<AttentionShape>(&sublayer.part))
                    add(attention->window);
            }
        }
        return result;
    }

    core::Result<Sample> at(double visible) const
    {
        if (m_known && m_known->visible == visible)
            return *m_known;
        PSC_ASSIGN(const StepPrediction step,
                   predictStep(m_model, m_execution, Step::decode(m_batch, visible), m_ceilings, m_geometry));
        return sampleOf(visible, step);
    }

    static Sample sampleOf(double visible, const StepPrediction& step)
    {
        Sample sample {.visible = visible, .seconds = step.seconds, .limiters = {}};
        sample.limiters.reserve(64);
        for (const std::vector<Timing>& timings : step.timings) {
            for (const Timing& timing : timings)
                sample.limiters.push_back(timing.limiter);
        }
        return sample;
    }

    /// Both ends included.
    core::Result<double> between(const Sample& low, const Sample& high) const
    {
        const double steps = high.visible - low.visible + 1;
        if (steps == 1)
            return low.seconds;
        if (steps == 2 || low.limiters == high.limiters)
            return (low.seconds + high.seconds) / 2 * steps;
        const double middle = low.visible + std::floor(steps / 2) - 1;
        PSC_ASSIGN(const Sample left, at(middle));
        PSC_ASSIGN(const Sample right, at(middle + 1));
        PSC_ASSIGN(const double below, between(low, left));
        PSC_ASSIGN(const double above, between(right, high));
        return below + above;
    }

    const ModelShape& m_model;
    const Execution& m_execution;
    double m_batch;
    const Ceilings& m_ceilings;
    const CacheGeometry& m_geometry;
    std::optional<Sample> m_known = {};
};

core::Status requireCount(const char* name, double value)
{
    if (value >= 1 && value <= 2147483648.0)
        return core::success();
    return Error {ErrorCode::InvalidArgument,
                  std::string(name) + " must be at least 1 (and at most 2^31), not " +
                      core::canonicalJson(core::Json(value)),
                  "give a whole number of sequences or tokens"};
}

/// The prompt, pass by pass.
struct Prefill
{
    double seconds = 0;
    double joules = 0; ///< 0: the power of the device is not known
};

core::Result<Prefill> chunkedPrefill(const ModelShape& model, const Execution& execution, const Request& request,
                                     const HardwareSpec& hardware, const Ceilings& ceilings)
{
    constexpr double kMostChunks = 1 << 20;
    PSC_TRY(requireCount("the chunk of the prompt", request.chunk));
    if (request.prompt / request.chunk > kMostChunks)
        return Error {ErrorCode::InvalidArgument, "the prompt is cut into more than a million chunks",
                      "choose larger chunks"};
    Prefill sum;
    for (double done = 0; done < request.prompt;) {
        const double tokens = std::min(request.chunk, request.prompt - done);
        done += tokens;
        const Step step {{{request.batch, tokens, done}}, done < request.prompt ? 0 : request.batch};
        PSC_ASSIGN(const StepPrediction pass, predictStep(model, execution, step, ceilings, geometryOf(hardware)));
        sum.seconds += pass.seconds;
        sum.joules += hardware.tdpWatts ? utilisationJoules(pass, *hardware.tdpWatts) : 0;
    }
    return sum;
}

} // namespace

std::optional<double> joulesPerToken(const GenerationPrediction& prediction, const Request& request)
{
    return prediction.joules ? std::optional(*prediction.joules / (request.batch * request.generated)) : std::nullopt;
}

void GenerationPrediction::setWeightBytes(double bytes, const HardwareSpec& hardware)
{
    memory.weights = bytes;
    if (hardware.memoryBytes)
        fits = memory.total() <= *hardware.memoryBytes;
}

core::Result<double> decodeSeconds(const ModelShape& model, const Execution& execution, double batch, double first,
                                   double last, const Ceilings& ceilings, const CacheGeometry& geometry)
{
    if (last < first)
        return 0.0;
    return DecodeSum(model, execution, batch, ceilings, geometry).over(first, last);
}

core::Result<GenerationPrediction> predictGeneration(const ModelShape& model, const Execution& execution,
                                                     const Request& request, const HardwareSpec& hardware,
                                                     const Efficiency& efficiency)
{
    PSC_TRY(requireCount("the batch", request.batch));
    PSC_TRY(requireCount("the prompt", request.prompt));
    PSC_TRY(requireCount("the number of generated tokens", request.generated));
    PSC_ASSIGN(const Ceilings ceilings, Ceilings::of(hardware, efficiency));
    const CacheGeometry geometry = geometryOf(hardware);
    GenerationPrediction result;
    PSC_ASSIGN(result.prefill,
               predictStep(model, execution, Step::prefill(request.batch, request.prompt), ceilings, geometry));
    PSC_ASSIGN(result.decode,
               predictStep(model, execution, Step::decode(request.batch, request.prompt + 1), ceilings, geometry));
    const double steps = request.generated - 1;
    double decoding = 0;
    if (steps > 0) {
        DecodeSum sum(model, execution, request.batch, ceilings, geometry);
        sum.know(request.prompt + 1, result.decode);
        PSC_ASSIGN(decoding, sum.over(request.prompt + 1, request.prompt + steps));
    }
    Prefill prefill {.seconds = result.prefill.seconds};
    if (request.isChunked()) {
        PSC_ASSIGN(prefill, chunkedPrefill(model, execution, request, hardware, ceilings));
    } else if (hardware.tdpWatts) {
        prefill.joules = utilisationJoules(result.prefill, *hardware.tdpWatts);
    }
    result.timeToFirstToken = prefill.seconds;
    result.timePerOutputToken = steps > 0 ? decoding / steps : result.decode.seconds;
    result.totalSeconds = result.timeToFirstToken + decoding;
    result.tokensPerSecond = request.batch * request.generated / result.totalSeconds;
    if (request.isChunked() || execution.parallel.microBatches > 1) {
        PSC_ASSIGN(result.memory, memoryNeed(model, execution, request));
    } else {
        result.memory = memoryNeed(result.prefill.operations, model, execution, request);
    }
    if (hardware.memoryBytes)
        result.fits = result.memory.total() <= *hardware.memoryBytes;
    if (hardware.tdpWatts) {
        // Power changes little between decode steps: that of the first one, over the time of all.
        const double watts = utilisationJoules(result.decode, *hardware.tdpWatts) / result.decode.layerSeconds;
        const Parallelism& parallel = execution.parallel;
        result.joules = (prefill.joules * parallel.microBatches + watts * decoding) * parallel.tensor *
                        std::max(1, parallel.expert);
    }
    return result;
}

core::Result<PassPrediction> predictPasses(const ModelShape& model, const Execution& execution,
                                           const PassRequest& request, const HardwareSpec& hardware,
                                           const Efficiency& efficiency)
{
    PSC_TRY(requireCount("the number of images", request.images));
    PSC_TRY(requireCount("the number of tokens", request.tokens));
    PSC_TRY(requireCount("the number of steps", request.steps));
    PSC_ASSIGN(const Ceilings ceilings, Ceilings::of(hardware, efficiency));
    PassPrediction result;
    PSC_ASSIGN(result.pass, predictStep(model, execution, Step::prefill(request.images, request.tokens), ceilings,
                                        geometryOf(hardware)));
    result.totalSeconds = request.passes() * result.pass.seconds;
    PSC_ASSIGN(result.memory,
               memoryNeed(model, execution, {.batch = request.images, .prompt = request.tokens, .generated = 0}));
    if (hardware.memoryBytes)
        result.fits = result.memory.total() <= *hardware.memoryBytes;
    if (hardware.tdpWatts)
        result.joules = request.passes() * utilisationJoules(result.pass, *hardware.tdpWatts) *
                        execution.parallel.microBatches * execution.parallel.tensor;
    return result;
}

core::Result<SpeculationPrediction> predictSpeculation(const ModelShape& target, const ModelShape& draft,
                                                       const Execution& execution, const Request& request,
                                                       double acceptance, int drafted, const HardwareSpec& hardware,
                                                       const Efficiency& efficiency)
{
    if (!(acceptance >= 0 && acceptance <= 1))
        return Error {ErrorCode::InvalidArgument, "the acceptance is " + core::canonicalJson(core::Json(acceptance)),
                      "give the share of drafted tokens that are accepted, from 0 to 1"};
    PSC_TRY(requireCount("the number of drafted tokens", drafted));
    PSC_ASSIGN(const Ceilings ceilings, Ceilings::of(hardware, efficiency));
    const CacheGeometry geometry = geometryOf(hardware);
    const auto seconds = [&](const ModelShape& model, const Step& step) -> core::Result<double> {
        PSC_ASSIGN(const StepPrediction prediction, predictStep(model, execution, step, ceilings, geometry));
        return prediction.seconds;
    };
    const double rows = drafted + 1;
    const Step verify {{{request.batch, rows, request.prompt + rows}}, request.batch * rows};
    SpeculationPrediction result;
    PSC_ASSIGN(result.draftStep, seconds(draft, Step::decode(request.batch, request.prompt + 1)));
    PSC_ASSIGN(result.targetStep, seconds(target, Step::decode(request.batch, request.prompt + 1)));
    PSC_ASSIGN(result.verifyStep, seconds(target, verify));
    result.tokens = expectedTokens(acceptance, drafted);
    result.perToken = (drafted * result.draftStep + result.verifyStep) / result.tokens;
    result.speedup = speculativeSpeedup(acceptance, drafted, result.draftStep, result.targetStep, result.verifyStep);
    return result;
}

double expectedTokens(double acceptance, int drafted)
{
    double sum = 0;
    double power = 1;
    for (int i = 0; i <= drafted; ++i, power *= acceptance)
        sum += power;
    return sum;
}

double speculativeSpeedup(double acceptance, int drafted, double draftStep, double targetStep, double verifyStep)
{
    return expectedTokens(acceptance, drafted) * targetStep / (drafted * draftStep + verifyStep);
}

} // namespace paretoscope::roofline
