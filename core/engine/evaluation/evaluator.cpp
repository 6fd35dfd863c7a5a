// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/evaluator.h"

#include "core/engine/foreign_exception.h"
#include "core/engine/parallel.h"

#include <algorithm>
#include <map>
#include <span>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kActivationBytes = std::int64_t(256) << 20;
/// Rows of logits made at once: enough for GEMM to reach its rate, few enough to stay near the caches at large
/// vocabularies.
constexpr std::int64_t kLogitRows = 128;

struct Reader
{
    Metric* metric = nullptr;
    int sequence = 0; ///< index within the metric
};

/// One sequence with everyone who wants its logits.
struct Job
{
    const std::vector<std::int32_t>* ids = nullptr;
    int firstScored = 0;
    int endScored = 0;
    std::vector<Reader> readers;
};

std::vector<Job> jobsOf(const std::vector<std::unique_ptr<Metric>>& metrics)
{
    std::vector<Job> jobs;
    std::map<std::vector<std::int32_t>, std::size_t> known;
    for (const auto& metric : metrics) {
        const std::vector<MetricSequence>& sequences = metric->sequences();
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const MetricSequence& wanted = sequences[i];
            const auto [place, isNew] = known.emplace(wanted.ids, jobs.size());
            if (isNew)
                jobs.push_back({&wanted.ids, wanted.firstScored, wanted.endScored, {}});
            Job& job = jobs[place->second];
            job.firstScored = std::min(job.firstScored, wanted.firstScored);
            job.endScored = std::max(job.endScored, wanted.endScored);
            job.readers.push_back({metric.get(), static_cast<int>(i)});
        }
    }
    return jobs;
}

void deliver(const Job& job, std::int64_t begin, const at::Tensor& logits)
{
    const std::int64_t end = begin + logits.size(0);
    for (const Reader& reader : job.readers) {
        const MetricSequence& wanted = reader.metric->sequences()[static_cast<std::size_t>(reader.sequence)];
        const std::int64_t first = std::max<std::int64_t>(begin, wanted.firstScored);
        const std::int64_t last = std::min<std::int64_t>(end, wanted.endScored);
        if (first < last)
            reader.metric->consume(reader.sequence, static_cast<int>(first),
                                   logits.narrow(0, first - begin, last - first));
    }
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
            while (end < m_jobs.size() && (end == begin || bytes < kActivationBytes))
                bytes += static_cast<std::int64_t>(m_jobs[end++].ids->size()) * rowBytes;
            PSC_TRY(runBatch({m_jobs.data() + begin, end - begin}));
            begin = end;
        }
        return core::success();
    }

private:
    core::Status runBatch(std::span<const Job> jobs)
    {
        PSC_ASSIGN(const std::vector<at::Tensor> states, passBlocks(jobs));
        PSC_ASSIGN(const LoadedTensors head, LoadedTensors::load(m_context.tensors, m_context.model.headTensors()));
        forEachSample(jobs.size(), [&](std::size_t, std::size_t index) {
            const Job& job = jobs[index];
            for (std::int64_t begin = job.firstScored; begin < job.endScored; begin += kLogitRows) {
                const std::int64_t rows = std::min<std::int64_t>(kLogitRows, job.endScored - begin);
                deliver(job, begin, m_context.model.logits(states[index].narrow(0, begin, rows), head));
            }
        });
        m_sequencesDone += jobs.size();
        return core::success();
    }

    core::Result<std::vector<at::Tensor>> passBlocks(std::span<const Job> jobs)
    {
        const LanguageModel& model = m_context.model;
        std::vector<at::Tensor> states(jobs.size());
        {
            PSC_ASSIGN(const LoadedTensors entry, LoadedTensors::load(m_context.tensors, model.entryTensors()));
            forEachSample(jobs.size(),
                          [&](std::size_t, std::size_t i) { states[i] = model.enter(*jobs[i].ids, entry); });
        }
        for (int block = 0; block < model.view().blocks; ++block) {
            PSC_TRY(report(jobs.size(), block));
            PSC_ASSIGN(const LoadedTensors tensors, LoadedTensors::load(m_context.tensors, model.blockTensors(block)));
            forEachSample(jobs.size(), [&](std::size_t, std::size_t i) {
                const auto pass = model.begin(block, static_cast<int>(m_sequencesDone + i), std::move(states[i]),
                                              tensors, m_context.hooks);
                while (!pass->inputs().empty())
                    pass->advance(tensors);
                states[i] = pass->output();
            });
        }
        return states;
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
    return guarded("evaluating the model", [&] { return Evaluation(jobsOf(metrics), context).run(); });
}

} // namespace paretoscope::engine
