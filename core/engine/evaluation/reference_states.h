// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/activations/activation_store.h"
#include "core/engine/cache/tensor_cache.h"
#include "core/engine/trial_observer.h"
#include "core/engine/warm_model.h"
#include "core/memory/memory_plan.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace paretoscope::engine {

/// What a baseline says about given sequences, for metrics that compare with it: the hidden states that leave its last
/// block, from which its head makes the very logits again. At 576 features and 49152 tokens that is 2.3 kB a token
/// instead of the 98 kB of 16-bit logits, and nothing is rounded. One cache entry per sequence, by model, tokens and
/// all that may change a bit; what is not in the cache is computed and stored. Entries in use are pinned: the cache may
/// be trimmed or emptied meanwhile. Without a cache they go to a scratch file, and without a folder for that they stay
/// in memory.
class ReferenceStates
{
public:
    /// @param cache outlives the object. @param conditions what beside model and tokens the bits follow from: numerics
    /// version, threads, device. @param memory of the trial; the pass over the baseline keeps to it. Errors: those of
    /// evaluate().
    static core::Result<std::unique_ptr<ReferenceStates>>
    prepare(const std::vector<std::vector<std::int32_t>>& sequences, const WarmModel& baseline,
            const TensorCache& cache, const core::Json& conditions, TrialObserver& observer,
            const core::MemoryPlan& memory);

    /// float32 [tokens, hidden]. Thread-safe. Errors: Io (of the scratch file).
    core::Result<at::Tensor> read(std::size_t sequence) const;
    /// The baseline's logits for some of these rows, as evaluate() makes them. Thread-safe.
    core::Result<at::Tensor> logits(const at::Tensor& rows) const;
    std::size_t computed() const { return m_computed; } ///< sequences that were not in the cache

private:
    struct Head;
    ReferenceStates(const WarmModel& baseline, const TensorCache& cache);
    core::Status compute(const std::vector<std::vector<std::int32_t>>& sequences, TrialObserver& observer,
                         const core::MemoryPlan& memory);

    std::vector<std::size_t> missing();
    bool pin(std::size_t index);
    core::Status keep(std::size_t index, const at::Tensor& states);

    const WarmModel& m_baseline;
    const TensorCache& m_cache;
    std::vector<core::Json> m_keys;                    ///< per distinct sequence
    std::vector<std::optional<PinnedTensor>> m_pinned; ///< likewise; what is not there lies in m_kept
    std::vector<std::size_t> m_index;                  ///< of each sequence among the distinct ones
    std::unique_ptr<ActivationStore> m_kept;
    std::size_t m_computed = 0;
    std::shared_ptr<Head> m_head;
};

} // namespace paretoscope::engine
