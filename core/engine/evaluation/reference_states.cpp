// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/reference_states.h"

#include "core/corpus/corpus.h"
#include "core/engine/device/transfer.h"
#include "core/engine/evaluation/evaluator.h"

#include <map>
#include <mutex>

namespace paretoscope::engine {

namespace {

using Sequences = std::vector<std::vector<std::int32_t>>;

/// Wants the sequences to pass through the blocks, but no logits.
class StatesOnly : public Metric
{
public:
    explicit StatesOnly(const Sequences& sequences)
    {
        for (const auto& ids : sequences)
            m_sequences.push_back({ids, 0, 0});
    }
    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int, int, const at::Tensor&) override {}
    core::Result<std::vector<core::MetricRecord>> finish() override { return std::vector<core::MetricRecord>(); }

private:
    std::vector<MetricSequence> m_sequences;
};

class ReferenceProgress : public TrialObserver
{
public:
    explicit ReferenceProgress(TrialObserver& observer)
        : m_observer(observer)
    {}
    void progressed(std::string_view, int done, int total) override
    {
        m_observer.progressed("evaluate the baseline", done, total);
    }
    bool isCancelled() const override { return m_observer.isCancelled(); }

private:
    TrialObserver& m_observer;
};

} // namespace

/// The baseline's head, read when the first logits are wanted: not while blocks need the memory.
struct ReferenceStates::Head
{
    std::once_flag once;
    core::Status problem = core::success();
    std::optional<LoadedTensors> tensors;
};

ReferenceStates::ReferenceStates(const WarmModel& baseline, const TensorCache& cache)
    : m_baseline(baseline)
    , m_cache(cache)
    , m_head(std::make_shared<Head>())
{}

core::Result<std::unique_ptr<ReferenceStates>>
ReferenceStates::prepare(const Sequences& sequences, const WarmModel& baseline, const TensorCache& cache,
                         const core::Json& conditions, TrialObserver& observer, const core::MemoryPlan& memory)
{
    std::unique_ptr<ReferenceStates> states(new ReferenceStates(baseline, cache));
    std::map<std::vector<std::int32_t>, std::size_t> known;
    Sequences distinct;
    for (const auto& ids : sequences) {
        const auto [place, isNew] = known.emplace(ids, distinct.size());
        states->m_index.push_back(place->second);
        if (!isNew)
            continue;
        distinct.push_back(ids);
        core::Json key = conditions;
        key["kind"] = "last hidden state";
        key["model"] = baseline.digest().hex();
        key["tokens"] = core::digestOfIds({ids}).hex();
        states->m_keys.push_back(std::move(key));
    }
    states->m_pinned.resize(distinct.size());
    const core::Bytes inMemory = memory.scratch.empty() ? memory.activations : core::Bytes {0};
    states->m_kept =
        std::make_unique<ActivationStore>(distinct.size(), inMemory, memory.scratch, baseline.tensors().device());
    PSC_TRY(states->compute(distinct, observer, memory));
    return states;
}

/// Distinct sequences whose states are not in the cache; the others are pinned now.
std::vector<std::size_t> ReferenceStates::missing()
{
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < m_keys.size(); ++i) {
        if (!m_pinned[i] && !pin(i))
            missing.push_back(i);
    }
    return missing;
}

bool ReferenceStates::pin(std::size_t index)
{
    if (auto pinned = m_cache.pin(m_keys[index]))
        m_pinned[index].emplace(std::move(*pinned));
    return m_pinned[index].has_value();
}

core::Status ReferenceStates::compute(const Sequences& sequences, TrialObserver& observer,
                                      const core::MemoryPlan& memory)
{
    std::vector<std::size_t> missing = this->missing();
    core::ArtifactCache::Claim claim;
    if (!missing.empty()) { // another process may be at it
        claim = m_cache.artifacts().awaitClaim(core::ArtifactKind::Reference, m_keys,
                                               [&] { return observer.goesOnWaiting(); });
        missing = this->missing();
    }
    m_computed = missing.size();
    if (missing.empty())
        return core::success();
    Sequences wanted;
    for (const std::size_t i : missing)
        wanted.push_back(sequences[i]);
    const int lastBlock = m_baseline.graph().view().blocks - 1;
    std::mutex mutex;
    core::Status problem = core::success();
    // Different sequences come on different threads; the evaluator numbers distinct ones in the order given.
    const Hooks hooks {{HookPoint::BlockOutput, [&](const HookSite& site, const at::Tensor& value) {
                            if (site.block == lastBlock) {
                                const std::size_t index = missing[static_cast<std::size_t>(site.sample)];
                                const core::Status kept = keep(index, value);
                                const std::lock_guard lock(mutex);
                                if (!kept.ok())
                                    problem = kept;
                            }
                            return value;
                        }}};
    std::vector<std::unique_ptr<Metric>> readers;
    readers.push_back(std::make_unique<StatesOnly>(wanted));
    ReferenceProgress progress(observer);
    PSC_TRY(evaluate(readers, {m_baseline.graph(), m_baseline.tensors(), hooks, progress, memory}));
    return problem;
}

core::Status ReferenceStates::keep(std::size_t index, const at::Tensor& states)
{
    // What was stored may be gone again at once, where the cache is small.
    if (m_cache.store(m_keys[index], states) && pin(index))
        return core::success();
    return m_kept->put(index, states.clone()); // the evaluator goes on with its own
}

core::Result<at::Tensor> ReferenceStates::read(std::size_t sequence) const
{
    const std::size_t index = m_index[sequence];
    if (m_pinned[index])
        return toDevice(m_pinned[index]->read(), m_baseline.tensors().device());
    return m_kept->get(index);
}

core::Result<at::Tensor> ReferenceStates::logits(const at::Tensor& rows) const
{
    std::call_once(m_head->once, [this] {
        auto loaded = LoadedTensors::loadOriginal(m_baseline.tensors(), m_baseline.graph().headTensors());
        if (loaded.ok())
            m_head->tensors = std::move(loaded).value();
        else
            m_head->problem = loaded.error();
    });
    PSC_TRY(m_head->problem);
    return m_baseline.graph().logits(rows.to(at::kFloat), *m_head->tensors);
}

} // namespace paretoscope::engine
