// SPDX-License-Identifier: Apache-2.0
#include "core/engine/streaming/block_reader.h"

#include "core/engine/foreign_exception.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <optional>

#include <omp.h>

namespace paretoscope::engine {

namespace {

/// Operators called from this thread use no others: those are busy with the current block.
void useOneThread()
{
    at::get_num_threads(); // libtorch sets up a new thread here, and would undo the next line later
    ::omp_set_num_threads(1);
}

std::optional<c10::Event> queuedOn(at::Device device)
{
    if (device.is_cpu())
        return std::nullopt;
    c10::Event event(device.type());
    event.record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
    return event;
}

/// While it lives, what this thread asks of a card runs beside the computation there, but after `queued`. The end waits
/// for it. Nothing for the CPU.
class BesideComputation
{
public:
    BesideComputation(at::Device device, const std::optional<c10::Event>& queued)
    {
        if (!queued)
            return;
        m_guard.emplace(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device));
        queued->block(m_guard->current_stream());
    }
    ~BesideComputation()
    {
        if (m_guard)
            m_guard->current_stream().synchronize();
    }
    BesideComputation(const BesideComputation&) = delete;
    BesideComputation& operator=(const BesideComputation&) = delete;

private:
    std::optional<c10::StreamGuard> m_guard;
};

} // namespace

BlockReader::BlockReader(const CompressibleModel& model, const ModelTensors& tensors, Weights weights, int end,
                         bool readsAhead, at::ScalarType matrixType)
    : m_model(model)
    , m_tensors(tensors)
    , m_weights(weights)
    , m_end(end)
    , m_readsAhead(readsAhead)
    , m_matrixType(matrixType)
{}

core::Result<LoadedTensors> BlockReader::take(int block)
{
    std::optional<core::Result<LoadedTensors>> loaded;
    if (m_ahead && m_ahead->block == block) {
        loaded = m_ahead->tensors.get();
        if (!isCurrent(*m_ahead))
            loaded.reset();
        else if (loaded->ok())
            loaded->value().usedByCurrentStream();
    }
    m_ahead.reset();
    if (!loaded)
        loaded = load(block, m_tensors);
    if (m_readsAhead && loaded->ok() && block + 1 < m_end)
        readAhead(block + 1);
    return std::move(*loaded);
}

void BlockReader::readAhead(int block)
{
    m_ahead.emplace(Ahead {block, m_tensors, queuedOn(m_tensors.device()), {}});
    m_ahead->tensors = std::async(std::launch::async, [this, block] {
        const c10::InferenceMode noGradients;
        useOneThread();
        const BesideComputation beside(m_tensors.device(), m_ahead->queued);
        return guarded("reading block " + std::to_string(block), [&] { return load(block, m_ahead->seen); });
    });
}

bool BlockReader::isCurrent(const Ahead& ahead) const
{
    if (m_weights == Weights::Original)
        return true;
    const std::vector<std::string> names = m_model.blockTensors(ahead.block);
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        return ahead.seen.replacement(name) == m_tensors.replacement(name);
    });
}

core::Result<LoadedTensors> BlockReader::load(int block, const ModelTensors& tensors) const
{
    const std::vector<std::string> names = m_model.blockTensors(block);
    PSC_ASSIGN(LoadedTensors loaded, m_weights == Weights::Original ? LoadedTensors::loadOriginal(tensors, names)
                                                                    : LoadedTensors::load(tensors, names));
    loaded.convertMatrices(m_matrixType);
    return loaded;
}

} // namespace paretoscope::engine
