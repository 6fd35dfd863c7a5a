// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/plugin/manifest.h"
#include "core/project/project_store.h"
#include "core/sweep/trial_exchange.h"
#include "jobs/kept_models.h"

#include <filesystem>

namespace paretoscope::jobs {

/// What a worker has to know to make the model of a finished trial again: from the packed one where the project kept
/// it, else by running its pipeline on the files that it was made from.
/// @param models  of the project; an embedded one is written out until KeptModels::removeExtracted
/// Errors: NotFound (the provenance lacks the workload; a file is gone); InvalidArgument (not finished; files or
/// plugins are not those of the trial any more).
core::Result<core::TrialRequest> remakeTrial(const core::ProjectStore& store, const core::TrialRecord& trial,
                                             const core::PluginCatalogue& plugins, KeptModels& models);

} // namespace paretoscope::jobs
