// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/sweep.h"

namespace paretoscope::core {

/// What stands before the hash of a model in the parameters of a stage.
inline const std::string kModelContent = "sha256:";

/// The stages as a project keeps them: [{"plugin","version","parameters"}], with "sha256:<hex>" for a model that a
/// parameter names.
Json identifiedPipeline(const Pipeline& pipeline, const WorkloadIdentity& identity);

/// What the id of a trial is the SHA-256 of, as canonical JSON: {engine, model, calibration (only when a stage reads
/// it), pipeline, seed}. Contents, no paths. Kept in the provenance, so that ids can be computed again from the
/// project.
Json trialIdentity(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline,
                   std::uint64_t seed);

} // namespace paretoscope::core
