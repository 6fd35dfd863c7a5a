// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "core/sweep/sweep.h"

namespace paretoscope::core {

/// The sweep that runs exactly this trial: planned with the same files and plugin versions it has the trial's id.
/// `writeSweep` writes it. Reads the workload out of the trial's provenance.
/// Errors: NotFound (the provenance does not hold the workload: recorded by an older version, imported, or shared
/// without it), Corrupt.
Result<Sweep> reproducingSweep(const TrialRecord& trial);

} // namespace paretoscope::core
