// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"
#include "core/engine/runner/runner_options.h"
#include "core/engine/trial_observer.h"
#include "core/sweep/trial_exchange.h"

#include <memory>
#include <optional>
#include <string>

namespace paretoscope::engine {

struct RunnerSession;

/// Executes trials in this process and keeps model, tokens and shareable statistics warm between them.
/// No foreign exception leaves it. Deterministic for equal threads.
class TrialRunner
{
public:
    explicit TrialRunner(RunnerOptions options);
    ~TrialRunner();

    /// Whether the device can be used, and computes so; without it nothing runs. Errors: those of openDevice and
    /// arithmeticFor.
    core::Status ready() const;

    /// Whether the device still computes, for after a failure. Errors: Unsupported.
    core::Status deviceAnswers() const;

    /// What tensors take on the card right now; nothing for the CPU. May be called from any thread.
    std::optional<core::Bytes> deviceMemory() const;

    /// What a user of this device should know (our own kernels are missing); empty: nothing.
    std::string remark() const;

    /// Errors: those of the parts, with layer and module; Cancelled; OutOfMemory; Numerical.
    core::Result<core::TrialOutcome> run(const core::TrialRequest& request, TrialObserver& observer);

    /// The `evaluate` verb: {"model": path, "metrics": [{"name","options"}], "logits": {...}} to its JSON document.
    core::Result<core::Json> evaluate(const core::Json& request, TrialObserver& observer);

    /// Makes the model of a trial, from the kept one where there is one, writes it into an empty folder, reads it again
    /// and compares the logits of both. @return {"bytes", "model_sha256", "self_test": {"tokens", "same_best",
    /// "largest_logit_difference", "kl_divergence"}, "warnings"}
    /// Errors: as run; Unsupported (the format cannot hold it: layer, reason, remedy), Io.
    core::Result<core::Json> exportModel(const core::ExportRequest& request, TrialObserver& observer);

    /// The ceilings of this device and, with a model, the times of its steps: {"quick": bool, "model": path | null} to
    /// the document of measureMachine(). Errors: its own; those of loading the model.
    core::Result<core::Json> measure(const core::Json& request, TrialObserver& observer);

    /// Versions and devices, for `hello` and `doctor`.
    static core::Json describeBuild();

private:
    std::unique_ptr<RunnerSession> m_session;
};

} // namespace paretoscope::engine
