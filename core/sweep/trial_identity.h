// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/sweep.h"

namespace paretoscope::core {

/// What the id of a trial is the SHA-256 of, as canonical JSON: {engine, model, calibration (only when a stage reads
/// it), pipeline, seed}. Contents, no paths. Kept in the provenance, so that ids can be computed again from the
/// project.
Json trialIdentity(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline,
                   std::uint64_t seed);

} // namespace paretoscope::core
