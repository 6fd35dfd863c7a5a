// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "jobs/sweep_controller.h"
#include "views/snapshot/project_watcher.h"
#include "views/sweep_builder/sweep_builder.h"

#include <QFutureWatcher>
#include <QObject>

#include <memory>

namespace paretoscope::core {
class ProjectStore;
}

namespace paretoscope::app {

/// The project that is open, watched for changes, and the sweep that runs into it. Knows no widget.
class ProjectSession : public QObject
{
    Q_OBJECT

public:
    explicit ProjectSession(QObject* parent = nullptr);

    const QString& path() const { return m_path; } ///< empty: none
    const views::SnapshotPtr& snapshot() const { return m_snapshot; }
    jobs::SweepController& controller() { return m_controller; }
    bool isRunning() const { return m_controller.isRunning(); }

    void open(const QString& file);
    void close();
    void refresh() { m_watcher.refresh(); }
    void requestTrial(const core::TrialId& id) { m_watcher.requestTrial(id); }
    /// Makes an empty project and opens it; `failed` when it cannot be made or is there already.
    void create(const QString& file);
    /// Starts the sweep and opens its project as soon as that exists.
    void run(const views::SweepOrder& order);
    /// Writes all of the project, as it is now, to another file. `copied` or `failed` follows.
    void saveCopy(const QString& file);
    /// Keeps a device in the project, or forgets it, also while our sweep writes it; nothing without a project.
    /// `deviceKept`, or `failed` when it cannot be written.
    void keepDevice(const core::DeviceRecord& device);
    void forgetDevice(const QString& name);

Q_SIGNALS:
    void opened(const QString& path); ///< another project is shown from now on; no snapshot yet
    void closed();
    void snapshotChanged(const paretoscope::views::SnapshotPtr& snapshot);
    void trialRead(const std::shared_ptr<const paretoscope::core::TrialRecord>& trial);
    void copied(const QString& file);
    void deviceKept(const QString& name);
    void failed(const paretoscope::core::Error& error);

private:
    void takeSnapshot(const views::SnapshotPtr& snapshot);
    void inBackground(std::function<core::Status()> work, std::function<void()> done);
    void write(std::function<core::Status(core::ProjectStore&)> work, std::function<void()> done,
               const QString& otherwise);
    void report(const core::Status& status, const std::function<void()>& done);

    QString m_path;
    QString m_runProject; ///< where the sweep writes
    views::SnapshotPtr m_snapshot;
    views::ProjectWatcher m_watcher;
    jobs::SweepController m_controller;
};

} // namespace paretoscope::app
