// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project_store.h"
#include "views/snapshot/project_snapshot.h"

#include <QObject>
#include <QTimer>

#include <optional>

namespace paretoscope::views {

/// The part of ProjectWatcher that lives in its thread.
class SnapshotReader : public QObject
{
    Q_OBJECT

public:
    explicit SnapshotReader(QObject* parent = nullptr);

    void open(const std::filesystem::path& file);
    void close();
    void poll();
    void readTrial(const core::TrialId& id);

Q_SIGNALS:
    void snapshotRead(const paretoscope::views::SnapshotPtr& snapshot);
    void trialRead(const std::shared_ptr<const paretoscope::core::TrialRecord>& trial);
    void failed(const paretoscope::core::Error& error);

private:
    core::Result<SnapshotPtr> read(std::int64_t version) const;
    void report(const core::Error& error);

    std::filesystem::path m_file; ///< as the user named it, so that a snapshot of the project before can be told
    std::optional<core::ProjectStore> m_store;
    std::optional<std::int64_t> m_version;
    std::optional<core::Error> m_reported;
    QTimer m_timer;
};

} // namespace paretoscope::views
