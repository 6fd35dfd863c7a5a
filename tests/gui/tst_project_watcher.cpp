// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/project_store.h"
#include "tests/gui/project_fixture.h"
#include "views/format/text.h"
#include "views/snapshot/project_watcher.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

class TstProjectWatcher : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_file = toPath(m_folder->filePath(u"demo.pscope"_s));
    }

    void readsAndFollowsAnotherWriter()
    {
        auto store = core::ProjectStore::open(m_file, core::OpenMode::Create);
        QVERIFY(store.ok());
        const std::vector<core::TrialRecord> trials = test::demoTrials();
        QVERIFY(store.value().recordWorkload(test::demoWorkload()).ok());
        QVERIFY(store.value().finishTrial(trials[0]).ok());

        ProjectWatcher watcher;
        SnapshotPtr latest;
        connect(&watcher, &ProjectWatcher::snapshotRead, this, [&](const SnapshotPtr& snapshot) { latest = snapshot; });
        QSignalSpy failed(&watcher, &ProjectWatcher::failed);
        watcher.open(m_file);
        QTRY_VERIFY(latest);
        QCOMPARE(int(latest->trials.size()), 1);
        QCOMPARE(int(latest->workloads.size()), 1);
        QCOMPARE(latest->path, m_file);

        QVERIFY(store.value().finishTrial(trials[1]).ok()); // noticed by polling
        QTRY_COMPARE(int(latest->trials.size()), 2);
        QVERIFY(store.value().recordEvent({"", "warn", "worker_lost", "", "worker 1 was killed"}).ok());
        watcher.refresh();
        QTRY_VERIFY(!latest->events.empty() && latest->events.back().text == "worker 1 was killed");
        QCOMPARE(failed.count(), 0);
    }

    void completeTrialsComeOnRequest()
    {
        auto store = core::ProjectStore::open(m_file, core::OpenMode::Create);
        QVERIFY(store.ok());
        const core::TrialRecord trial = test::demoTrials()[10];
        QVERIFY(store.value().finishTrial(trial).ok());
        ProjectWatcher watcher;
        std::shared_ptr<const core::TrialRecord> answer;
        connect(&watcher, &ProjectWatcher::trialRead, this, [&](const auto& read) { answer = read; });
        watcher.open(m_file);
        watcher.requestTrial(trial.id);
        QTRY_VERIFY(answer);
        QCOMPARE(answer->id, trial.id);
        QVERIFY(answer->provenance.contains("device"));
    }

    void troubleIsToldOnce()
    {
        ProjectWatcher watcher;
        QSignalSpy failed(&watcher, &ProjectWatcher::failed);
        watcher.open(toPath(m_folder->filePath(u"missing.pscope"_s)));
        QTRY_COMPARE(failed.count(), 1);
        const auto error = failed[0][0].value<core::Error>();
        QVERIFY(QString::fromStdString(error.message).contains(u"missing.pscope"_s));
    }

    void aFileThatIsNoProjectIsRefused()
    {
        QFile file(m_folder->filePath(u"notes.pscope"_s));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("these are my notes, not a database");
        file.close();
        ProjectWatcher watcher;
        QSignalSpy failed(&watcher, &ProjectWatcher::failed);
        watcher.open(toPath(file.fileName()));
        QTRY_COMPARE(failed.count(), 1);
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
};

QTEST_GUILESS_MAIN(TstProjectWatcher)
#include "tst_project_watcher.moc"
