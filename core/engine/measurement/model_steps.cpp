// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/model_steps.h"

#include "core/engine/decoding/incremental_decoder.h"
#include "core/engine/device/transfer.h"
#include "core/engine/measurement/step_recorder.h"
#include "core/memory/physical_memory.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace paretoscope::engine {

namespace {

using core::Json;

constexpr std::array kBatches {1, 8};

struct StepPlan
{
    std::vector<int> prompts;
    int prefills = 0;      ///< timed, half of them watched
    int decodeWarmUps = 0; ///< steps
    int decodes = 0;       ///< timed, half of them watched
};

StepPlan planFor(const Surroundings& surroundings)
{
    return surroundings.isQuick ? StepPlan {.prompts = {32}, .prefills = 4, .decodeWarmUps = 2, .decodes = 12}
                                : StepPlan {.prompts = {64, 256}, .prefills = 8, .decodeWarmUps = 5, .decodes = 40};
}

/// Times of equal steps.
struct StepTimes
{
    std::vector<double> plain;
    std::vector<double> watched;
    std::vector<double> entry;
    std::vector<double> head;
    std::vector<std::vector<std::vector<double>>> parts; ///< [block][part][step]
    std::vector<std::vector<std::string_view>> names;    ///< [block][part]
};

double medianOf(std::vector<double> values)
{
    return core::repeatedOf(std::move(values)).median;
}

/// |median of the second half / median of the first - 1|
double repeatChange(const std::vector<double>& seconds)
{
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    return std::abs(medianOf({middle, seconds.end()}) / medianOf({seconds.begin(), middle}) - 1);
}

Json partsJson(const StepTimes& times)
{
    Json blocks = Json::array();
    for (std::size_t block = 0; block < times.names.size(); ++block) {
        Json parts = Json::array();
        for (std::size_t part = 0; part < times.names[block].size(); ++part)
            parts.push_back(Json::array({std::string(times.names[block][part]), medianOf(times.parts[block][part])}));
        blocks.push_back(std::move(parts));
    }
    return blocks;
}

class StepMeasurement
{
public:
    StepMeasurement(const Surroundings& surroundings, const WarmModel& model)
        : m_surroundings(surroundings)
        , m_plan(planFor(surroundings))
        , m_graph(model.graph())
        , m_tensors(model.tensors())
        , m_recorder(model.graph(), surroundings.device)
        , m_watching(m_recorder.hooks())
        , m_decoder({.model = m_graph,
                     .tensors = m_tensors,
                     .hooks = m_hooks,
                     .makeStore = {},
                     .residentLimit = {std::numeric_limits<std::int64_t>::max()},
                     .onRead = [this](const PassPlace& place, std::string_view tensor) {
                         if (!m_hooks.empty())
                             m_recorder.tensorRead(place, tensor);
                     }})
    {}

    core::Result<Json> run()
    {
        const int total = static_cast<int>(kBatches.size() * m_plan.prompts.size() * 2);
        int done = 0;
        for (const int batch : kBatches) {
            for (const int prompt : m_plan.prompts) {
                PSC_TRY(m_surroundings.goOn("steps of the model", done++, total));
                PSC_TRY(measurePrefill(batch, prompt));
                PSC_TRY(m_surroundings.goOn("steps of the model", done++, total));
                PSC_TRY(measureDecode(batch, prompt));
            }
        }
        PSC_TRY(m_surroundings.goOn("steps of the model", total, total));
        return std::move(m_steps);
    }

private:
    int atOnce(int batch) const { return m_surroundings.device.is_cpu() ? std::min(batch, m_surroundings.threads) : 1; }

    /// Ids spread over the vocabulary, the same in every run.
    std::vector<std::int32_t> ids(int count)
    {
        std::vector<std::int32_t> result;
        for (int i = 0; i < count; ++i) {
            m_random = m_random * 6364136223846793005U + 1442695040888963407U;
            result.push_back(
                static_cast<std::int32_t>((m_random >> 33) % std::uint64_t(m_graph.architecture().vocabSize)));
        }
        return result;
    }

    std::vector<DecodeChunk> chunks(int first, int batch, int tokens)
    {
        std::vector<DecodeChunk> all;
        for (int i = 0; i < batch; ++i)
            all.push_back({first + i, ids(tokens)});
        return all;
    }

    int open(int batch)
    {
        const int first = m_decoder.open();
        for (int i = 1; i < batch; ++i)
            m_decoder.open();
        return first;
    }

    void close(int first, int batch)
    {
        for (int i = 0; i < batch; ++i)
            m_decoder.close(first + i);
    }

    /// One step with the logits of the last token of each sequence.
    core::Status step(const std::vector<DecodeChunk>& chunks, bool isWatched, StepTimes& times)
    {
        const int batch = static_cast<int>(chunks.size());
        m_hooks = isWatched ? m_watching : Hooks();
        m_recorder.begin(chunks.front().sequence, batch);
        const Moment start = Moment::now(m_surroundings.device);
        PSC_ASSIGN(const std::vector<at::Tensor> states, m_decoder.extend(chunks));
        const Moment passed = Moment::now(m_surroundings.device);
        for (const at::Tensor& state : states)
            PSC_TRY(m_decoder.logits(state.narrow(0, state.size(0) - 1, 1)));
        const Moment end = Moment::now(m_surroundings.device);
        (isWatched ? times.watched : times.plain).push_back(end.since(start));
        if (isWatched) {
            times.entry.push_back(m_recorder.entrySeconds(start));
            times.head.push_back(end.since(passed));
            takeParts(atOnce(batch), times);
        }
        return core::success();
    }

    void takeParts(int inFlight, StepTimes& times) const
    {
        const std::vector<std::vector<StepRecorder::Part>> blocks = m_recorder.parts();
        times.parts.resize(blocks.size());
        times.names.resize(blocks.size());
        for (std::size_t block = 0; block < blocks.size(); ++block) {
            times.parts[block].resize(blocks[block].size());
            times.names[block].resize(blocks[block].size());
            for (std::size_t part = 0; part < blocks[block].size(); ++part) {
                times.names[block][part] = blocks[block][part].first;
                times.parts[block][part].push_back(blocks[block][part].second / inFlight);
            }
        }
    }

    core::Status measurePrefill(int batch, int prompt)
    {
        StepTimes times;
        StepTimes warmUp;
        for (int i = -1; i < m_plan.prefills; ++i) {
            PSC_TRY(m_surroundings.goOn("prefill", std::max(i, 0), m_plan.prefills));
            const int first = open(batch);
            const core::Status done = step(chunks(first, batch, prompt), i % 2 == 0, i < 0 ? warmUp : times);
            close(first, batch);
            PSC_TRY(done);
        }
        add("prefill", batch, prompt, times);
        return core::success();
    }

    core::Status measureDecode(int batch, int prompt)
    {
        StepTimes times;
        StepTimes warmUp;
        const int first = open(batch);
        core::Status done = step(chunks(first, batch, prompt), false, warmUp);
        for (int i = -m_plan.decodeWarmUps; done.ok() && i < m_plan.decodes; ++i) {
            done = m_surroundings.goOn("decode", std::max(i, 0), m_plan.decodes);
            if (done.ok())
                done = step(chunks(first, batch, 1), i % 2 == 0, i < 0 ? warmUp : times);
        }
        close(first, batch);
        PSC_TRY(done);
        add("decode", batch, prompt + m_plan.decodeWarmUps + m_plan.decodes / 2, times);
        return core::success();
    }

    void add(const char* phase, int batch, int tokens, const StepTimes& times)
    {
        m_steps.push_back({{"phase", phase},
                           {"batch", batch},
                           {"tokens", tokens},
                           {"at_once", atOnce(batch)},
                           {"seconds", core::toJson(core::repeatedOf(times.plain))},
                           {"watched_seconds", core::toJson(core::repeatedOf(times.watched))},
                           {"repeat_change", repeatChange(times.plain)},
                           {"entry_seconds", medianOf(times.entry)},
                           {"head_seconds", medianOf(times.head)},
                           {"blocks", partsJson(times)}});
    }

    const Surroundings& m_surroundings;
    StepPlan m_plan;
    const LanguageModel& m_graph;
    ModelTensors m_tensors;
    StepRecorder m_recorder;
    Hooks m_watching;
    Hooks m_hooks; ///< those of the step in hand: m_watching or none
    IncrementalDecoder m_decoder;
    Json m_steps = Json::array();
    std::uint64_t m_random = 12345;
};

} // namespace

std::vector<ProductShape> productShapes(const LanguageModel& model)
{
    std::vector<ProductShape> shapes;
    const auto add = [&shapes](const ProductShape& shape) {
        if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end())
            shapes.push_back(shape);
    };
    for (const Unit& unit : model.view().units)
        add({unit.outFeatures, unit.inFeatures});
    const core::HeadSpec& head = model.architecture().head;
    add({head.vocabulary, head.width, true});
    return shapes;
}

core::Result<Json> measureSteps(const Surroundings& surroundings, const WarmModel& model)
{
    const std::int64_t needed = model.graph().architecture().parameters() * 4;
    const std::int64_t there = core::physicalMemory().value;
    if (surroundings.device.is_cpu() && needed > there / 10 * 8)
        return core::Error {core::ErrorCode::OutOfMemory,
                            "the weights of " + model.path().filename().string() + " take " +
                                std::to_string(needed >> 20) + " MiB as float32, and this machine has " +
                                std::to_string(there >> 20) + " MiB",
                            "measure with a smaller model"};
    return StepMeasurement(surroundings, model).run();
}

} // namespace paretoscope::engine
