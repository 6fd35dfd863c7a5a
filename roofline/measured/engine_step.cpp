// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/engine_step.h"

#include "roofline/measured/engine_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paretoscope::roofline {

namespace {

/// A shape that is further away than this in ln(out) + ln(in) tells nothing of another one.
constexpr double kFarthestShape = 2.5;
/// Of the last cache, before other data pushes it out.
constexpr double kUsableCache = 0.8;

/// What one sequence moves, in bytes.
double activationBytes(const Operation& operation)
{
    return operation.activationInBytes + operation.activationOutBytes;
}

double cacheBytes(const Operation& operation)
{
    return operation.cacheReadBytes + operation.cacheWriteBytes;
}

/// Turns the operations of one sequence into those of a batch.
class EngineStepWriter
{
public:
    EngineStepWriter(const MachineProfile& machine, const StepOperations& one, const EngineSetting& setting,
                     double batch)
        : m_machine(machine)
        , m_one(one)
        , m_setting(setting)
        , m_batch(batch)
    {
        for (const Section& section : one.sections) {
            for (const Operation& operation : section.operations)
                m_stepBytes += section.count * (operation.weightBytes + batch * cacheBytes(operation));
        }
    }

    EngineStep write(const ModelShape& model) const
    {
        EngineStep step;
        std::size_t run = 0;
        for (const Section& section : m_one.sections) {
            EngineSection& written = step.sections.emplace_back();
            written.name = section.name;
            written.count = section.count;
            const LayerShape* layer = nullptr;
            if (section.name == "layer") {
                layer = &model.runs[run].shape;
                written.layers = model.runs[run++].layers;
            }
            const Way way = section.name == "head" ? headWay() : blockWay(section);
            for (const Operation& operation : section.operations) {
                written.operations.push_back(ofBatch(operation));
                written.times.push_back(timesOf(operation, way, engineKernels(operation, m_setting, model, layer)));
            }
        }
        return step;
    }

private:
    /// How the sequences of a section are computed.
    struct Way
    {
        double threads = 1;     ///< on one product
        double calls = 1;       ///< sequences at once
        double rounds = 1;      ///< one behind the other
        double weightBytes = 0; ///< of the section, which a later round reads again

        double busy() const { return threads * calls; }
    };

    Way blockWay(const Section& section) const
    {
        const double calls = std::min(m_batch, m_setting.isCpu ? double(m_machine.threads) : 1);
        Way way {.calls = calls, .rounds = std::ceil(m_batch / calls)};
        for (const Operation& operation : section.operations)
            way.weightBytes += operation.weightBytes;
        return way;
    }

    /// The weights of the head alone go round.
    Way headWay() const
    {
        Way way {.threads = m_setting.isCpu ? double(m_machine.threads) : 1, .rounds = m_batch};
        for (const Operation& operation : m_one.sections.back().operations)
            way.weightBytes += operation.weightBytes;
        return way;
    }

    Operation ofBatch(Operation operation) const
    {
        operation.matrixFlops *= m_batch;
        operation.vectorFlops *= m_batch;
        operation.activationInBytes *= m_batch;
        operation.activationOutBytes *= m_batch;
        operation.cacheReadBytes *= m_batch;
        operation.cacheWriteBytes *= m_batch;
        operation.resultBytes *= m_batch;
        operation.l2Bytes *= m_batch;
        return operation;
    }

    bool staysInLastCache(double bytes) const { return bytes <= kUsableCache * m_machine.lastCacheBytes; }

    /// Bytes per second of so many threads that come back to a working set of this size. @param isShared all of them to
    /// the same data
    double bandwidth(double workingSet, double threads, bool isShared) const
    {
        const double memory = m_machine.bandwidth(threads);
        const double last = std::max(memory, m_machine.rate("last_cache_read", threads).value_or(memory));
        const double perCore = isShared ? workingSet : workingSet / threads;
        if (perCore <= m_machine.coreCacheBytes / 2)
            return std::max(last, m_machine.rate("core_cache_read", threads).value_or(last));
        return staysInLastCache(workingSet) ? last : memory;
    }

    CeilingTimes timesOf(const Operation& operation, const Way& way, const EngineKernels& kernels) const
    {
        const double sequences = way.rounds * way.calls;
        const double rate = m_machine.float32Rate(way.busy());
        CeilingTimes times;
        times.kind = kindOf(operation);
        times.matrix = sequences * operation.matrixFlops / rate;
        times.vector = sequences * operation.vectorFlops / rate;
        times.memory = memorySeconds(operation, way);
        times.passes = kernels.passes;
        times.launches = way.rounds * kernels.calls;
        if (times.kind == KernelKind::Product)
            times.curve = curveSeconds(operation, way);
        return times;
    }

    double memorySeconds(const Operation& operation, const Way& way) const
    {
        const double activations = activationBytes(operation) * way.calls;
        const double cached = cacheBytes(operation) * way.calls;
        return weightSeconds(operation.weightBytes, way) +
               way.rounds * (activations / bandwidth(activations, way.busy(), false) +
                             cached / bandwidth(m_setting.isPrefill ? cached : m_stepBytes, way.busy(), false));
    }

    /// Threads at once share one reading of the weights from memory. Where a section's weights stay in the last cache,
    /// each thread reads them from there, and later rounds no longer from memory.
    double weightSeconds(double bytes, const Way& way) const
    {
        const double fromMemory = bytes / bandwidth(m_stepBytes, way.busy(), true);
        if (!staysInLastCache(way.weightBytes))
            return way.rounds * fromMemory;
        const double fromCache =
            way.calls * bytes / bandwidth(std::min(m_stepBytes, way.weightBytes), way.busy(), true);
        return std::max(fromMemory, fromCache) + (way.rounds - 1) * fromCache;
    }

    double curveSeconds(const Operation& operation, const Way& way) const
    {
        if (operation.rows <= 0 || operation.columns <= 0)
            return 0;
        ProductCall call {.threads = way.threads,
                          .calls = way.calls,
                          .isCold = !staysInLastCache(m_stepBytes),
                          .rows = operation.rows,
                          .out = operation.columns,
                          .in = operation.matrixFlops / (2 * operation.rows * operation.columns)};
        const std::optional<double> first = productSeconds(m_machine, call);
        call.isCold = call.isCold && !staysInLastCache(way.weightBytes);
        const std::optional<double> later = productSeconds(m_machine, call);
        return first && later ? *first + (way.rounds - 1) * *later : 0;
    }

    const MachineProfile& m_machine;
    const StepOperations& m_one;
    EngineSetting m_setting;
    double m_batch;
    double m_stepBytes = 0; ///< weights and cached keys and values that a step reads
};

/// Seconds for a number of rows, log-linear between those that were measured and proportional beyond them.
double atRows(const std::vector<const MeasuredProduct*>& curve, double rows)
{
    const auto above =
        std::find_if(curve.begin(), curve.end(), [&](const MeasuredProduct* product) { return product->rows >= rows; });
    if (above == curve.end())
        return curve.back()->seconds.median * rows / curve.back()->rows;
    if (above == curve.begin() || (*above)->rows == rows)
        return (*above)->seconds.median;
    const MeasuredProduct& low = **(above - 1);
    const MeasuredProduct& high = **above;
    const double place = std::log(rows / low.rows) / std::log(high.rows / low.rows);
    return low.seconds.median * std::pow(high.seconds.median / low.seconds.median, place);
}

} // namespace

double EngineStep::idealSeconds() const
{
    double sum = 0;
    for (const EngineSection& section : sections) {
        for (const CeilingTimes& times : section.times)
            sum += section.count * times.ideal();
    }
    return sum;
}

double EngineStep::seconds(const Calibration& calibration) const
{
    double sum = layers() * calibration.sectionSeconds;
    for (const EngineSection& section : sections) {
        sum += section.name == "entry" ? calibration.stepSeconds : 0;
        for (const CeilingTimes& times : section.times)
            sum += section.count * calibration.seconds(times);
    }
    return sum;
}

double EngineStep::layers() const
{
    double sum = 0;
    for (const EngineSection& section : sections)
        sum += static_cast<double>(section.layers.size());
    return sum;
}

Execution engineExecution(const EngineExecution& execution)
{
    Execution result;
    const WeightFormat weights {.bits = execution.weightBits};
    result.weights = weights;
    result.headWeights = weights;
    result.embeddingWeights = weights;
    result.activations.bits = execution.activationBits;
    result.streamBits = execution.activationBits;
    result.kv.bits = execution.kvBits;
    result.scoreBits = 32;
    result.routerBits = execution.weightBits;
    result.attention = execution.isEager ? AttentionKernel::Eager : AttentionKernel::Flash;
    return result;
}

core::Result<EngineStep> engineStep(const MachineProfile& machine, const ModelShape& model,
                                    const EngineExecution& execution, bool isPrefill, double batch, double tokens)
{
    const Step step = isPrefill ? Step::prefill(batch, tokens) : Step::decode(batch, tokens);
    PSC_TRY(checkStep(step));
    const Step single = isPrefill ? Step::prefill(1, tokens) : Step::decode(1, tokens);
    PSC_ASSIGN(const StepOperations one, stepOperations(model, engineExecution(execution), single));
    const EngineSetting setting {
        .isCpu = machine.kind == "cpu", .isPrefill = isPrefill, .tokens = isPrefill ? tokens : 1};
    return EngineStepWriter(machine, one, setting, batch).write(model);
}

std::optional<double> productSeconds(const MachineProfile& machine, const ProductCall& call)
{
    double nearest = kFarthestShape;
    std::vector<const MeasuredProduct*> curve;
    for (const MeasuredProduct& product : machine.products) {
        if (product.threads != call.threads || product.isCold != call.isCold)
            continue;
        // One product, or as many as there are threads: what was measured is the nearer of both.
        if ((product.calls > 1) != (call.calls > 1))
            continue;
        const double distance = std::fabs(std::log(product.out / call.out)) + std::fabs(std::log(product.in / call.in));
        const bool isOther = !curve.empty() && (product.out != curve.front()->out || product.in != curve.front()->in);
        if (distance > nearest || (distance == nearest && isOther))
            continue;
        if (distance < nearest)
            curve.clear();
        nearest = distance;
        curve.push_back(&product);
    }
    if (curve.empty())
        return std::nullopt;
    std::sort(curve.begin(), curve.end(),
              [](const MeasuredProduct* a, const MeasuredProduct* b) { return a->rows < b->rows; });
    const MeasuredProduct& shape = *curve.front();
    return atRows(curve, call.rows) * (call.out * call.in) / (shape.out * shape.in);
}

} // namespace paretoscope::roofline
