// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/cache/artifact_cache.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/trial_log.h"
#include "core/sweep/shared_work.h"
#include "core/sweep/trial_exchange.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace paretoscope::engine {

/// A model after the first steps of a pipeline, and what they had to tell.
struct PrefixState
{
    std::map<std::string, std::shared_ptr<const CompressedTensor>, std::less<>> replaced;
    TrialLog log;
};

/// Models after beginnings of pipelines that trials have in common, so that each is computed once: in memory for the
/// next trial of this process, in the cache for other processes and for going on after a kill. Going on from one gives
/// the very numbers of going through all of them.
///
/// Only what the coordinator asks for is kept (TrialRequest::sharedBeginnings). A beginning that another process works
/// on is waited for. In the cache go layouts that can be packed; what is there was made by the same build of the
/// worker.
class PrefixStore
{
public:
    /// @param memoryLimit  of the tensors in memory
    PrefixStore(std::shared_ptr<core::ArtifactCache> cache, core::ComputeConditions conditions,
                core::Bytes memoryLimit);

    /// Called first for every trial: forgets what it does not begin with, waits for beginnings that others make, and
    /// announces those that this trial is to make. @param goesOn  asked every 50 ms, only while it waits
    void enter(const core::TrialRequest& request, const std::function<bool()>& goesOn);
    /// Of the beginnings of the trial that are there, the length of the longest; 0: none.
    int longest() const;
    /// Nothing when it was damaged or went away.
    std::optional<PrefixState> find(int steps, const TensorLayouts& layouts);
    /// Keeps the model after so many steps if the trial is to keep it. @return whether it could
    bool keep(int steps, const ModelTensors& tensors, const TrialLog& log);
    /// The trial makes no further beginning: nobody need wait for one, and what it was not to keep is forgotten.
    void leave();

private:
    const core::Json& keyOf(int steps) const { return m_keys[static_cast<std::size_t>(steps) - 1]; }
    bool isInMemory(int steps) const;
    bool isWanted(int steps) const;
    bool waitForOthers(const std::function<bool()>& goesOn) const;
    bool claimAll(const std::vector<int>& lengths);
    bool store(int steps, const ModelTensors& tensors, const TrialLog& log);

    std::shared_ptr<core::ArtifactCache> m_cache;
    core::ComputeConditions m_conditions;
    core::Bytes m_memoryLimit;
    std::map<std::string, PrefixState> m_memory; ///< by canonical key
    std::vector<core::Json> m_keys;              ///< of the trial in hand, by length
    std::vector<int> m_wanted;                   ///< lengths it is to keep
    std::map<int, core::ArtifactCache::Claim> m_claims;
};

} // namespace paretoscope::engine
