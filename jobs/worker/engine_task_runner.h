// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/worker/task_runner.h"

namespace paretoscope::jobs {

/// A TaskRunner on engine::TrialRunner; fills in libtorch's version and the plugins found.
core::Result<std::unique_ptr<TaskRunner>> makeEngineTaskRunner(const Configuration& configuration, Hello& hello);

} // namespace paretoscope::jobs
