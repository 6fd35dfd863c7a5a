// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/snapshot/project_watcher.h"

#include "views/snapshot/snapshot_reader.h"

namespace paretoscope::views {

ProjectWatcher::ProjectWatcher(QObject* parent)
    : QObject(parent)
    , m_reader(new SnapshotReader)
{
    m_thread.setObjectName(QStringLiteral("project-reader"));
    m_reader->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_reader, &QObject::deleteLater);
    connect(m_reader, &SnapshotReader::snapshotRead, this, &ProjectWatcher::snapshotRead);
    connect(m_reader, &SnapshotReader::trialRead, this, &ProjectWatcher::trialRead);
    connect(m_reader, &SnapshotReader::failed, this, &ProjectWatcher::failed);
    m_thread.start();
}

ProjectWatcher::~ProjectWatcher()
{
    m_thread.quit();
    m_thread.wait();
}

void ProjectWatcher::open(const std::filesystem::path& file)
{
    QMetaObject::invokeMethod(m_reader, [reader = m_reader, file] { reader->open(file); });
}

void ProjectWatcher::close()
{
    QMetaObject::invokeMethod(m_reader, [reader = m_reader] { reader->close(); });
}

void ProjectWatcher::refresh()
{
    QMetaObject::invokeMethod(m_reader, [reader = m_reader] { reader->poll(); });
}

void ProjectWatcher::requestTrial(const core::TrialId& id)
{
    QMetaObject::invokeMethod(m_reader, [reader = m_reader, id] { reader->readTrial(id); });
}

} // namespace paretoscope::views
