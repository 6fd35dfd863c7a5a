// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/sweep.h"

#include <string>
#include <vector>

namespace paretoscope::core {

/// Under which conditions a worker computes: what beside data and methods decides the last bits.
struct ComputeConditions
{
    int threads = 1;
    std::string device = "cpu";
};

/// The key in the cache (ArtifactKind::Prefix) of the model after the first `steps` steps of a pipeline: the id of
/// the trial that ends there, with the conditions. Coordinator and worker make the same one.
Json prefixKey(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline, int steps,
               std::uint64_t seed, const ComputeConditions& conditions);

/// The key in the cache (ArtifactKind::Collection) of the statistics of the original model over the calibration data.
/// @param statistics  their ids
Json collectionKey(const WorkloadSpec& workload, const WorkloadIdentity& identity, std::vector<std::string> statistics,
                   const ComputeConditions& conditions);

} // namespace paretoscope::core
