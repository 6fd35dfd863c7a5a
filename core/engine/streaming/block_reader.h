// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/model/model_tensors.h"
#include "core/engine/plugin/workload.h"

#include <c10/core/Event.h>

#include <future>
#include <optional>

namespace paretoscope::engine {

/// Loads the tensors of one block after another. The next block is dequantised on a thread of its own while the current
/// one is in use, and copied to a card on a stream of its own; a block of which a tensor was replaced in the meantime
/// is read again.
class BlockReader
{
public:
    enum class Weights
    {
        Replaced, ///< as the stages left them
        Original, ///< of the uncompressed model
    };

    /// Model and tensors must outlive the reader. @param end one past the last block that will be asked for
    /// @param matrixType of what is handed out
    BlockReader(const CompressibleModel& model, const ModelTensors& tensors, Weights weights, int end, bool readsAhead,
                at::ScalarType matrixType = at::kFloat);

    /// Errors: reading errors; OutOfMemory.
    core::Result<LoadedTensors> take(int block);

private:
    struct Ahead
    {
        int block = 0;
        ModelTensors seen; ///< the tensors as they were when reading began
        std::optional<c10::Event> queued; ///< what a card had to do by then, which may make replaced tensors
        std::future<core::Result<LoadedTensors>> tensors;
    };

    void readAhead(int block);
    bool isCurrent(const Ahead& ahead) const;
    core::Result<LoadedTensors> load(int block, const ModelTensors& tensors) const;

    const CompressibleModel& m_model;
    const ModelTensors& m_tensors;
    Weights m_weights;
    int m_end;
    bool m_readsAhead;
    at::ScalarType m_matrixType;
    std::optional<Ahead> m_ahead; ///< its destructor waits for the thread
};

} // namespace paretoscope::engine
