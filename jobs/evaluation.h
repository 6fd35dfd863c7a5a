// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/worker_settings.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>

namespace paretoscope::jobs {

/// Runs one request on one worker process, without a sweep: the verbs `evaluate` and `export`, `roofline --measure`.
/// Lives in a thread with an event loop and never blocks it. One object = one evaluation.
class EvaluationRunner : public QObject
{
    Q_OBJECT

public:
    /// `settings.threads` 0 = all cores.
    explicit EvaluationRunner(WorkerSettings settings, QObject* parent = nullptr);
    ~EvaluationRunner() override; ///< ends its worker; nothing is left behind

    /// @param task  "evaluate": {"model": path, "metrics": [{"name", "options"}], "logits": {...}} as
    ///              engine::TrialRunner::evaluate takes it; "export": core::toJson(ExportRequest);
    ///              "measure": {"quick", "model"} as engine::TrialRunner::measure takes it
    /// Exactly one of `succeeded` and `failed` follows, never from within this call.
    void start(const std::string& task, const core::Json& request);
    /// Graceful: `failed` with Cancelled follows after the layer in hand. A second call kills the worker.
    void stop();
    /// The newest lines the worker logged; for the report of a failure.
    QStringList logTail() const;

Q_SIGNALS:
    void progressed(const QString& phase, int done, int total);
    void succeeded(const paretoscope::core::Json& document);
    /// The worker's own error; Io when the worker was lost (tried once only); Cancelled after stop().
    void failed(const paretoscope::core::Error& error);

private:
    struct Private;
    std::unique_ptr<Private> d;
};

/// What `paretoscope-worker --describe` says of its build and devices; blocks up to `timeout`. For `doctor`.
/// Errors: NotFound (no worker program), Io (does not start, ends with an error, or is silent), Corrupt (no JSON).
core::Result<core::Json> describeWorker(const std::filesystem::path& program = {},
                                        std::chrono::milliseconds timeout = std::chrono::seconds(60));

} // namespace paretoscope::jobs
