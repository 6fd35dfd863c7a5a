// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "views/snapshot/project_snapshot.h"

#include <QObject>
#include <QThread>

#include <filesystem>
#include <memory>

namespace paretoscope::views {

class SnapshotReader;

/// Reads a project with its own read-only connection in its own thread and tells whenever any process has committed.
/// Never writes, never blocks the thread it lives in, never disturbs a running sweep.
class ProjectWatcher : public QObject
{
    Q_OBJECT

public:
    explicit ProjectWatcher(QObject* parent = nullptr);
    ~ProjectWatcher() override;

    void open(const std::filesystem::path& file);
    void close();
    void refresh();                             ///< looks now instead of at the next poll
    void requestTrial(const core::TrialId& id); ///< the complete record, by trialRead()

Q_SIGNALS:
    void snapshotRead(const paretoscope::views::SnapshotPtr& snapshot);
    void trialRead(const std::shared_ptr<const paretoscope::core::TrialRecord>& trial);
    void failed(const paretoscope::core::Error& error); ///< could not open or read; told once per kind of trouble

private:
    QThread m_thread;
    SnapshotReader* m_reader = nullptr; ///< lives in m_thread, which deletes it
};

} // namespace paretoscope::views
