// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/trial_observer.h"
#include "jobs/protocol/handshake.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace paretoscope::jobs {

/// Executes the tasks of a worker: the engine, or a script in tests. Called from one thread.
class TaskRunner
{
public:
    virtual ~TaskRunner() = default;
    /// Body of `run_trial` to the result of `done`.
    virtual core::Result<core::Json> runTrial(const core::Json& request, engine::TrialObserver& observer) = 0;
    virtual core::Result<core::Json> evaluate(const core::Json& request, engine::TrialObserver& observer) = 0;
    virtual core::Result<core::Json> exportModel(const core::Json& request, engine::TrialObserver& observer) = 0;
    virtual core::Result<core::Json> measure(const core::Json& request, engine::TrialObserver& observer) = 0;
    /// Memory that tensors take on the card right now; nothing on a CPU. Called from another thread than the tasks.
    virtual std::optional<std::int64_t> deviceBytes() const { return std::nullopt; }
};

/// Makes the runner and fills in what `hello` tells of it. An error makes the worker unusable.
using TaskRunnerFactory =
    std::function<core::Result<std::unique_ptr<TaskRunner>>(const Configuration& configuration, Hello& hello)>;

/// Calls `work` and turns whatever it throws into an error: a method must not take the worker with it.
core::Result<core::Json> guarded(const std::function<core::Result<core::Json>()>& work);

} // namespace paretoscope::jobs
