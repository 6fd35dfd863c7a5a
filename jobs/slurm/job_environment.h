// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

namespace paretoscope::jobs {

/// Which job of Slurm this process is part of, for provenance: {"job", "array_job", "array_task", "restarts"}; null
/// outside of one. `restarts` counts how often Slurm requeued the job, for whatever reason.
core::Json slurmProvenance();

} // namespace paretoscope::jobs
