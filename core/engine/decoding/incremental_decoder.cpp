// SPDX-License-Identifier: Apache-2.0
#include "core/engine/decoding/incremental_decoder.h"

#include "core/base/assert.h"
#include "core/engine/decoding/dense_kv_store.h"
#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/parallel.h"

#include <algorithm>
#include <set>

namespace paretoscope::engine {

namespace {

/// Tells of every tensor before it hands it out.
class WatchedTensors : public TensorSource
{
public:
    WatchedTensors(const TensorSource& tensors, const PassPlace& place, const DecodeContext& context)
        : m_tensors(tensors)
        , m_place(place)
        , m_context(context)
    {}

    at::Tensor tensor(std::string_view name) const override
    {
        m_context.onRead(m_place, name);
        return m_tensors.tensor(name);
    }

private:
    const TensorSource& m_tensors;
    const PassPlace& m_place;
    const DecodeContext& m_context;
};

} // namespace

IncrementalDecoder::IncrementalDecoder(DecodeContext context)
    : m_context(std::move(context))
    , m_loaded(static_cast<std::size_t>(m_context.model.view().blocks) + 2)
{
    if (!m_context.makeStore)
        m_context.makeStore = &DenseKvStore::make;
}

int IncrementalDecoder::open()
{
    const auto sequence = static_cast<int>(m_sequences.size());
    m_sequences.push_back({m_context.makeStore(m_context.model.kvGeometry(sequence)), 0});
    return sequence;
}

void IncrementalDecoder::close(int sequence)
{
    m_sequences[static_cast<std::size_t>(sequence)].store.reset();
}

std::int64_t IncrementalDecoder::length(int sequence) const
{
    return m_sequences[static_cast<std::size_t>(sequence)].length;
}

KvStore& IncrementalDecoder::store(int sequence)
{
    return *m_sequences[static_cast<std::size_t>(sequence)].store;
}

core::Status IncrementalDecoder::check(const std::vector<DecodeChunk>& chunks) const
{
    std::set<int> seen;
    for (const DecodeChunk& chunk : chunks) {
        const auto index = static_cast<std::size_t>(chunk.sequence);
        PSC_ASSERT(index < m_sequences.size() && m_sequences[index].store,
                   "a chunk extends a sequence that is not open");
        PSC_ASSERT(seen.insert(chunk.sequence).second, "two chunks of one call extend the same sequence");
        if (chunk.ids.empty())
            return core::Error {core::ErrorCode::InvalidArgument,
                                "sequence " + std::to_string(chunk.sequence) + " is extended by no token",
                                "give at least one token, for instance the model's start token"};
        PSC_TRY(m_context.model.requireKnownIds(chunk.ids));
        const auto tokens = static_cast<std::int64_t>(chunk.ids.size());
        const std::int64_t atOnce = chunk.tokensPerWrite > 0 ? std::min(chunk.tokensPerWrite, tokens) : tokens;
        const std::int64_t known = m_sequences[index].length;
        PSC_TRY(m_context.model.requireSameRotation(known > 0 ? known : atOnce, known + tokens));
    }
    return core::success();
}

std::vector<std::string> IncrementalDecoder::namesOf(std::size_t index) const
{
    const auto blocks = static_cast<std::size_t>(m_context.model.view().blocks);
    if (index < blocks)
        return m_context.model.blockTensors(static_cast<int>(index));
    return index == blocks ? m_context.model.entryTensors() : m_context.model.headTensors();
}

core::Result<std::shared_ptr<const LoadedTensors>> IncrementalDecoder::load(std::size_t index)
{
    if (m_loaded[index])
        return m_loaded[index];
    const std::vector<std::string> names = namesOf(index);
    PSC_ASSIGN(LoadedTensors read, LoadedTensors::load(m_context.tensors, names));
    auto loaded = std::make_shared<const LoadedTensors>(std::move(read));
    core::Bytes size;
    for (const std::string& name : names)
        size.value += static_cast<std::int64_t>(loaded->tensor(name).nbytes());
    if (m_loadedBytes + size <= m_context.residentLimit) {
        m_loadedBytes += size;
        m_loaded[index] = loaded;
    }
    return loaded;
}

void IncrementalDecoder::passBlock(int block, const DecodeChunk& chunk, at::Tensor& state,
                                   const TensorSource& tensors) const
{
    const Sequence& sequence = m_sequences[static_cast<std::size_t>(chunk.sequence)];
    const std::int64_t tokens = state.size(0);
    const std::int64_t step = chunk.tokensPerWrite > 0 ? chunk.tokensPerWrite : tokens;
    std::vector<at::Tensor> outputs;
    for (std::int64_t first = 0; first < tokens; first += step) {
        const PassPlace place {block, chunk.sequence, sequence.length + first, sequence.store.get()};
        const WatchedTensors watched(tensors, place, m_context);
        const TensorSource& source = m_context.onRead ? watched : tensors;
        const auto pass = m_context.model.begin(place, state.narrow(0, first, std::min(step, tokens - first)), source,
                                                m_context.hooks);
        while (!pass->inputs().empty())
            pass->advance(source);
        outputs.push_back(pass->output());
    }
    state = outputs.size() == 1 ? outputs.front() : at::cat(outputs);
}

core::Result<std::vector<at::Tensor>> IncrementalDecoder::extend(const std::vector<DecodeChunk>& chunks)
{
    return guarded("decoding", [&]() -> core::Result<std::vector<at::Tensor>> {
        PSC_TRY(check(chunks));
        const auto blocks = static_cast<std::size_t>(m_context.model.view().blocks);
        std::vector<at::Tensor> states(chunks.size());
        PSC_ASSIGN(const std::shared_ptr<const LoadedTensors> entry, load(blocks));
        const std::size_t atOnce = samplesAtOnce(m_context.tensors.device());
        forEachSample(
            chunks.size(),
            [&](std::size_t i) {
                states[i] = m_context.model.enter(chunks[i].ids, *entry, length(chunks[i].sequence));
            },
            atOnce);
        for (std::size_t block = 0; block < blocks; ++block) {
            PSC_ASSIGN(const std::shared_ptr<const LoadedTensors> tensors, load(block));
            forEachSample(
                chunks.size(),
                [&](std::size_t i) { passBlock(static_cast<int>(block), chunks[i], states[i], *tensors); }, atOnce);
        }
        for (const DecodeChunk& chunk : chunks)
            m_sequences[static_cast<std::size_t>(chunk.sequence)].length += static_cast<std::int64_t>(chunk.ids.size());
        return states;
    });
}

core::Result<at::Tensor> IncrementalDecoder::logits(const at::Tensor& states)
{
    return guarded("computing logits", [&]() -> core::Result<at::Tensor> {
        PSC_ASSIGN(const std::shared_ptr<const LoadedTensors> head,
                   load(m_context.model.view().blocks + std::size_t(1)));
        return m_context.model.logits(states, *head);
    });
}

} // namespace paretoscope::engine
