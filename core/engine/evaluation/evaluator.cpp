// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/evaluator.h"

#include "core/engine/activations/activation_store.h"
#include "core/engine/decoding/incremental_decoder.h"
#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/parallel.h"
#include "core/engine/streaming/block_reader.h"

#include <algorithm>
#include <map>
#include <span>

namespace paretoscope::engine {

namespace {

/// Sequences that pass the blocks together while weights are in memory anyway; otherwise all do, so that weights are
/// read once.
constexpr std::int64_t kActivationBytes = std::int64_t(256) << 20;
/// Rows of logits made at once: enough for GEMM to reach its rate, few enough to stay near the caches at large
/// vocabularies.
constexpr int kLogitRows = 128;

using Ids = std::vector<std::int32_t>;

struct Reader
{
    Metric* metric = nullptr;
    int sequence = 0; ///< index within the metric
};

/// Positions of one sequence that readers want.
struct Range
{
    int first = 0;
    int end = 0;
    std::vector<Reader> readers;
};

/// One sequence with everyone who wants its logits.
struct Job
{
    const std::vector<std::int32_t>* ids = nullptr;
    int promptTokens = 0;
    std::vector<Range> ranges; ///< different ones
};

/// Readers share the logits of equal ranges only: how many rows a GEMM has may show in the last bits of each, so a
/// metric's numbers must not follow from what others want of the same sequence.
void addReader(Job& job, const MetricSequence& wanted, Reader reader)
{
    const auto same = std::find_if(job.ranges.begin(), job.ranges.end(), [&](const Range& range) {
        return range.first == wanted.firstScored && range.end == wanted.endScored;
    });
    if (same != job.ranges.end())
        same->readers.push_back(reader);
    else
        job.ranges.push_back({wanted.firstScored, wanted.endScored, {reader}});
}

std::vector<Job> jobsOf(const std::vector<std::unique_ptr<Metric>>& metrics)
{
    std::vector<Job> jobs;
    std::map<std::pair<std::vector<std::int32_t>, int>, std::size_t> known;
    for (const auto& metric : metrics) {
        const std::vector<MetricSequence>& sequences = metric->sequences();
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const MetricSequence& wanted = sequences[i];
            const auto [place, isNew] = known.emplace(std::pair(wanted.ids, wanted.promptTokens), jobs.size());
            if (isNew)
                jobs.push_back({&wanted.ids, wanted.promptTokens, {}});
            addReader(jobs[place->second], wanted, {metric.get(), static_cast<int>(i)});
        }
    }
    return jobs;
}

class Evaluation
{
public:
    Evaluation(std::vector<Job> jobs, const EvaluationContext& context)
        : m_jobs(std::move(jobs))
        , m_context(context)
    {}

    core::Status run()
    {
        const std::int64_t rowBytes = m_context.model.architecture().hiddenSize * 4;
        for (std::size_t begin = 0; begin < m_jobs.size();) {
            std::size_t end = begin;
            std::int64_t bytes = 0;
            while (end < m_jobs.size() && (end == begin || !m_context.memory.keepsWeights || bytes < kActivationBytes))
                bytes += static_cast<std::int64_t>(m_jobs[end++].ids->size()) * rowBytes;
            PSC_TRY(runBatch({m_jobs.data() + begin, end - begin}));
            begin = end;
        }
        return core::success();
    }

private:
    std::size_t atOnce() const
    {
        return std::min(m_context.memory.inFlight, samplesAtOnce(m_context.tensors.device()));
    }

    at::ScalarType type() const { return m_context.tensors.evaluationType(); }

    core::Status runBatch(std::span<const Job> jobs)
    {
        ActivationStore states(jobs.size(), m_context.memory.activations, m_context.memory.scratch,
                               m_context.tensors.device());
        PSC_TRY(m_context.kvStore ? passStores(jobs, states) : passBlocks(jobs, states));
        PSC_ASSIGN(const LoadedTensors head, LoadedTensors::load(m_context.tensors, m_context.model.headTensors()));
        PSC_TRY(tryForEachSample(
            jobs.size(),
            [&](std::size_t index) -> core::Status {
                PSC_ASSIGN(const at::Tensor state, states.take(index));
                for (const Range& range : jobs[index].ranges)
                    deliver(range, state, head);
                return core::success();
            },
            atOnce()));
        m_sequencesDone += jobs.size();
        return core::success();
    }

    void deliver(const Range& range, const at::Tensor& state, const TensorSource& head) const
    {
        for (int begin = range.first; begin < range.end; begin += kLogitRows) {
            const int rows = std::min(kLogitRows, range.end - begin);
            const at::Tensor logits = m_context.model.logits(state.narrow(0, begin, rows).to(at::kFloat), head);
            for (const Reader& reader : range.readers)
                reader.metric->consume(reader.sequence, begin, logits);
        }
    }

    core::Status passBlocks(std::span<const Job> jobs, ActivationStore& states)
    {
        const LanguageModel& model = m_context.model;
        BlockReader reader(model, m_context.tensors, BlockReader::Weights::Replaced, model.view().blocks,
                           m_context.memory.readsAhead, type());
        int block = firstBlock(jobs, states);
        if (block == 0) {
            PSC_ASSIGN(const LoadedTensors entry, LoadedTensors::load(m_context.tensors, model.entryTensors()));
            PSC_TRY(tryForEachSample(
                jobs.size(), [&](std::size_t i) { return states.put(i, model.enter(*jobs[i].ids, entry).to(type())); },
                atOnce()));
        }
        for (; block < model.view().blocks; ++block) {
            PSC_TRY(report(jobs.size(), block));
            PSC_ASSIGN(const LoadedTensors tensors, reader.take(block));
            PSC_TRY(tryForEachSample(
                jobs.size(),
                [&](std::size_t i) -> core::Status {
                    PSC_ASSIGN(at::Tensor state, states.take(i));
                    const auto pass = model.begin(block, static_cast<int>(m_sequencesDone + i), state.to(type()),
                                                  tensors, m_context.hooks);
                    while (!pass->inputs().empty())
                        pass->advance(tensors);
                    return states.put(i, pass->output());
                },
                atOnce()));
            if (resumes(jobs))
                m_context.recovery->saveNowAndThen({m_context.steps, block + 1}, m_context.tensors, *m_context.log,
                                                   &states);
        }
        return core::success();
    }

    /// Batches that were delivered already would be lost with the metrics, so only a single one is kept.
    bool resumes(std::span<const Job> jobs) const { return m_context.recovery && jobs.size() == m_jobs.size(); }

    int firstBlock(std::span<const Job> jobs, ActivationStore& states) const
    {
        if (!resumes(jobs))
            return 0;
        const TrialRecovery::Position& at = m_context.recovery->position();
        return at.step == m_context.steps && m_context.recovery->restoreStates(at, states, *m_context.log) ? at.block
                                                                                                           : 0;
    }

    /// Every sequence through a key/value store of its own: its prompt, then the other tokens one by one.
    core::Status passStores(std::span<const Job> jobs, ActivationStore& kept)
    {
        if (type() != at::kFloat)
            return core::Error {core::ErrorCode::Unsupported,
                                "a method that replaces the key/value store is evaluated in float32 only",
                                "leave --arithmetic out"};
        PSC_TRY(report(jobs.size(), 0));
        IncrementalDecoder decoder(
            {m_context.model, m_context.tensors, m_context.hooks, m_context.kvStore, core::Bytes {0}});
        std::vector<std::vector<at::Tensor>> parts(jobs.size());
        for (const bool isPrompt : {true, false}) {
            std::vector<DecodeChunk> chunks;
            std::vector<std::size_t> readers;
            for (std::size_t i = 0; i < jobs.size(); ++i) {
                const std::vector<std::int32_t>& ids = *jobs[i].ids;
                const auto prompt = std::min(ids.begin() + jobs[i].promptTokens, ids.end());
                const int sequence = isPrompt ? decoder.open() : static_cast<int>(i);
                DecodeChunk chunk {sequence, isPrompt ? Ids(ids.begin(), prompt) : Ids(prompt, ids.end()), 1};
                if (isPrompt)
                    chunk.tokensPerWrite = 0;
                if (chunk.ids.empty())
                    continue;
                chunks.push_back(std::move(chunk));
                readers.push_back(i);
            }
            PSC_ASSIGN(const std::vector<at::Tensor> states, decoder.extend(chunks));
            for (std::size_t i = 0; i < chunks.size(); ++i) {
                parts[readers[i]].push_back(states[i]);
                if (isPrompt)
                    decoder.store(chunks[i].sequence).endPrompt();
            }
        }
        for (std::size_t i = 0; i < jobs.size(); ++i)
            PSC_TRY(kept.put(i, at::cat(parts[i])));
        return core::success();
    }

    /// Progress counts blocks over all sequences.
    core::Status report(std::size_t batch, int block) const
    {
        const int blocks = m_context.model.view().blocks;
        const auto done = m_sequencesDone * std::size_t(blocks) + batch * std::size_t(block);
        m_context.observer.progressed("evaluate", static_cast<int>(done / std::max<std::size_t>(1, m_jobs.size())),
                                      blocks);
        if (m_context.observer.isCancelled())
            return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
        return core::success();
    }

    std::vector<Job> m_jobs;
    const EvaluationContext& m_context;
    std::size_t m_sequencesDone = 0;
};

} // namespace

core::Status evaluate(const std::vector<std::unique_ptr<Metric>>& metrics, const EvaluationContext& context)
{
    for (const auto& metric : metrics) {
        for (const MetricSequence& sequence : metric->sequences())
            PSC_TRY(context.model.requireLength(sequence.ids.size()));
    }
    return guarded("evaluating the model", [&] { return Evaluation(jobsOf(metrics), context).run(); });
}

} // namespace paretoscope::engine
