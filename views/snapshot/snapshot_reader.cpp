// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/snapshot/snapshot_reader.h"

#include <chrono>

using namespace std::chrono_literals;

namespace paretoscope::views {

namespace {
constexpr auto kPollInterval = 400ms;
constexpr int kEvents = 500;
} // namespace

SnapshotReader::SnapshotReader(QObject* parent)
    : QObject(parent)
    , m_timer(this)
{
    m_timer.setInterval(kPollInterval);
    connect(&m_timer, &QTimer::timeout, this, &SnapshotReader::poll);
}

void SnapshotReader::open(const std::filesystem::path& file)
{
    close();
    auto store = core::ProjectStore::open(file, core::OpenMode::ReadOnly);
    if (!store.ok()) {
        report(store.error());
        return;
    }
    m_store.emplace(std::move(store).value());
    m_file = file;
    poll();
    m_timer.start();
}

void SnapshotReader::close()
{
    m_timer.stop();
    m_store.reset();
    m_version.reset();
    m_reported.reset();
}

void SnapshotReader::poll()
{
    if (!m_store)
        return;
    const core::Result<std::int64_t> version = m_store->dataVersion();
    if (!version.ok())
        return report(version.error());
    if (m_version == version.value())
        return;
    const core::Result<SnapshotPtr> snapshot = read(version.value());
    if (!snapshot.ok())
        return report(snapshot.error());
    m_version = version.value();
    m_reported.reset();
    Q_EMIT snapshotRead(snapshot.value());
}

core::Result<SnapshotPtr> SnapshotReader::read(std::int64_t version) const
{
    ProjectSnapshot records;
    records.path = m_file;
    records.version = version;
    PSC_ASSIGN(records.trials, m_store->trials());
    PSC_ASSIGN(records.workloads, m_store->workloads());
    PSC_ASSIGN(records.events, m_store->events(kEvents));
    PSC_ASSIGN(records.machines, m_store->machines());
    PSC_ASSIGN(records.devices, m_store->devices());
    PSC_ASSIGN(records.published, m_store->publishedPoints());
    return makeSnapshot(std::move(records));
}

void SnapshotReader::readTrial(const core::TrialId& id)
{
    if (!m_store)
        return;
    core::Result<core::TrialRecord> trial = m_store->trial(id);
    if (!trial.ok())
        return report(trial.error());
    Q_EMIT trialRead(std::make_shared<const core::TrialRecord>(std::move(trial).value()));
}

void SnapshotReader::report(const core::Error& error)
{
    if (m_reported == error)
        return; // a poll that fails all the time is told once
    m_reported = error;
    Q_EMIT failed(error);
}

} // namespace paretoscope::views
