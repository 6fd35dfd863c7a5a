// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/project_session.h"

#include "core/project/project_store.h"
#include "core/project/subset.h"
#include "views/format/text.h"

#include <QFileInfo>
#include <QtConcurrent>

namespace paretoscope::app {

using views::toPath;

ProjectSession::ProjectSession(QObject* parent)
    : QObject(parent)
{
    connect(&m_watcher, &views::ProjectWatcher::snapshotRead, this, &ProjectSession::takeSnapshot);
    connect(&m_watcher, &views::ProjectWatcher::trialRead, this, &ProjectSession::trialRead);
    connect(&m_watcher, &views::ProjectWatcher::failed, this, &ProjectSession::failed);
    connect(&m_controller, &jobs::SweepController::trialFinished, this, [this] { m_watcher.refresh(); });
    connect(&m_controller, &jobs::SweepController::prepared, this, [this] { // by now the project exists
        if (m_path != m_runProject)
            open(m_runProject);
        else
            m_watcher.refresh();
    });
}

void ProjectSession::open(const QString& file)
{
    m_path = QFileInfo(file).absoluteFilePath();
    m_snapshot.reset();
    Q_EMIT opened(m_path);
    m_watcher.open(toPath(m_path));
}

void ProjectSession::close()
{
    m_watcher.close();
    m_path.clear();
    m_snapshot.reset();
    Q_EMIT closed();
}

void ProjectSession::takeSnapshot(const views::SnapshotPtr& snapshot)
{
    if (snapshot->path != toPath(m_path))
        return; // of the project that was open before
    m_snapshot = snapshot;
    Q_EMIT snapshotChanged(snapshot);
}

void ProjectSession::create(const QString& file)
{
    const QString path = QFileInfo(file).absoluteFilePath();
    if (QFileInfo::exists(path)) {
        Q_EMIT failed({core::ErrorCode::InvalidArgument, tr("%1 is there already").arg(path).toStdString(),
                       tr("choose another name, or open it").toStdString()});
        return;
    }
    inBackground(
        [path]() -> core::Status {
            PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(toPath(path), core::OpenMode::Create));
            return core::success();
        },
        [this, path] { open(path); });
}

void ProjectSession::run(const views::SweepOrder& order)
{
    const QString path = QFileInfo(order.project).absoluteFilePath();
    m_runProject = path;
    if (QFileInfo::exists(path) && m_path != path)
        open(path);
    m_controller.start(order.sweep, toPath(path), order.options);
}

void ProjectSession::inBackground(std::function<core::Status()> work, std::function<void()> done)
{
    auto* watcher = new QFutureWatcher<core::Status>(this);
    connect(watcher, &QFutureWatcherBase::finished, this, [this, watcher, done = std::move(done)] {
        watcher->deleteLater();
        report(watcher->result(), done);
    });
    watcher->setFuture(QtConcurrent::run(std::move(work)));
}

void ProjectSession::report(const core::Status& status, const std::function<void()>& done)
{
    if (status.ok())
        done();
    else
        Q_EMIT failed(status.error());
}

/// Into the project that is open. @param otherwise what is so when that fails
void ProjectSession::write(std::function<core::Status(core::ProjectStore&)> work, std::function<void()> done,
                           const QString& otherwise)
{
    if (m_path.isEmpty())
        return;
    const auto explained = [otherwise = otherwise.toStdString()](const core::Status& status) {
        return status.ok() ? status : core::Status(status.error().withContext(otherwise));
    };
    if (isRunning() && m_path == m_runProject) // nobody else can write it now
        return m_controller.write(
            std::move(work),
            [this, explained, done = std::move(done)](const core::Status& status) { report(explained(status), done); });
    inBackground(
        [path = toPath(m_path), work = std::move(work), explained]() -> core::Status {
            auto store = core::ProjectStore::open(path, core::OpenMode::ReadWrite);
            return explained(store.ok() ? work(store.value()) : core::Status(store.error()));
        },
        std::move(done));
}

void ProjectSession::keepDevice(const core::DeviceRecord& device)
{
    const QString name = views::toQString(device.name);
    write([device](core::ProjectStore& store) { return store.recordDevice(device); },
          [this, name] {
              refresh();
              Q_EMIT deviceKept(name);
          },
          tr("the device %1 is saved, but not in the project").arg(name));
}

void ProjectSession::forgetDevice(const QString& name)
{
    write([name = name.toStdString()](core::ProjectStore& store) { return store.removeDevice(name); },
          [this] { refresh(); }, tr("the device %1 stays in the project").arg(name));
}

void ProjectSession::saveCopy(const QString& file)
{
    inBackground(
        [from = toPath(m_path), to = toPath(QFileInfo(file).absoluteFilePath())]() -> core::Status {
            PSC_ASSIGN(const core::ProjectStore store, core::ProjectStore::open(from, core::OpenMode::ReadOnly));
            return core::copyProject(store, to);
        },
        [this, file] { Q_EMIT copied(file); });
}

} // namespace paretoscope::app
