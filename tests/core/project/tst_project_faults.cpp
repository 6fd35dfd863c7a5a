// SPDX-License-Identifier: Apache-2.0
// A scripted run of the store in which one call to the file system goes wrong, for each call in turn.
#include "faulty_vfs.h"
#include "sample_records.h"
#include "scripted_run.h"
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/project_store.h"

#include <QSet>
#include <QTemporaryDir>
#include <QtTest>

#include <optional>

using namespace paretoscope::core;

namespace {

/// Every call, or a few of them so that the suite stays short.
constexpr std::int64_t kShortRunCalls = 15;

/// PARETOSCOPE_EVERY_FAULT="i/n": every n-th call beginning with the i-th (from 0), so that n processes together hit
/// every call.
struct LongRun
{
    static std::optional<LongRun> wanted()
    {
        const QStringList parts = qEnvironmentVariable("PARETOSCOPE_EVERY_FAULT").split(QLatin1Char('/'));
        if (parts.size() != 2)
            return std::nullopt;
        return LongRun {parts[0].toInt(), qMax(1, parts[1].toInt())};
    }
    std::int64_t first = 0;
    std::int64_t step = 1;
};

} // namespace

Q_DECLARE_METATYPE(Fault::Kind)
Q_DECLARE_METATYPE(Fault::Unsynced)
Q_DECLARE_METATYPE(JournalKind)

class TstProjectFaults : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void nothingFailsWithoutAFault_data() { addJournals(); }
    void nothingFailsWithoutAFault()
    {
        QFETCH(JournalKind, journal);
        newFile();
        QSet<int> finished;
        const auto errors = scriptedRun(m_file, journal, [&finished](int number) { finished << number; });
        QVERIFY2(errors.empty(), errors.empty() ? "" : errors.front().sentence().c_str());
        QCOMPARE(finished.size(), kScriptTrials);
        checkAfter(finished, journal);
    }

    void failingCallLosesNothingAndIsExplained_data()
    {
        QTest::addColumn<Fault::Kind>("kind");
        QTest::addColumn<bool>("lasting");
        QTest::addColumn<JournalKind>("journal");
        for (const auto& [name, journal] : journals()) {
            QTest::addRow("disk full once, %s", name) << Fault::Kind::DiskFull << false << journal;
            QTest::addRow("disk stays full, %s", name) << Fault::Kind::DiskFull << true << journal;
            QTest::addRow("I/O error once, %s", name) << Fault::Kind::IoError << false << journal;
            QTest::addRow("I/O errors from then on, %s", name) << Fault::Kind::IoError << true << journal;
        }
    }
    void failingCallLosesNothingAndIsExplained()
    {
        QFETCH(Fault::Kind, kind);
        QFETCH(bool, lasting);
        QFETCH(JournalKind, journal);
        FaultyVfs vfs;
        int silent = 0;
        for (const std::int64_t call : callsToHit(vfs, kind, journal)) {
            newFile();
            QSet<int> finished;
            vfs.arm({.kind = kind, .at = call, .lasting = lasting});
            const auto errors = scriptedRun(m_file, journal, [&finished](int number) { finished << number; });
            vfs.disarm();
            silent += errors.empty() ? 1 : 0;
            for (const Error& error : errors)
                checkExplained(error);
            checkAfter(finished, journal);
            if (QTest::currentTestFailed()) {
                qWarning("at call %lld", static_cast<long long>(call));
                return;
            }
        }
        // SQLite and the store go on without what they can do without: a truncation, a deletion, the end of a file.
        qInfo("%d of %d faults were no failure of the work", silent, m_hit);
        QVERIFY(silent < m_hit);
    }

    void killedProcessLosesNothing_data()
    {
        QTest::addColumn<Fault::Kind>("kind");
        QTest::addColumn<JournalKind>("journal");
        for (const auto& [name, journal] : journals()) {
            QTest::addRow("before a call, %s", name) << Fault::Kind::Kill << journal;
            QTest::addRow("in a call, %s", name) << Fault::Kind::TornKill << journal;
        }
    }
    void killedProcessLosesNothing()
    {
        QFETCH(Fault::Kind, kind);
        QFETCH(JournalKind, journal);
        for (const std::int64_t call : callsToHit(kind, journal)) {
            newFile();
            dieAt({.kind = kind, .at = call}, journal);
            if (QTest::currentTestFailed())
                return;
        }
    }

    void powerLossKeepsFinishedTrials_data()
    {
        QTest::addColumn<Fault::Unsynced>("unsynced");
        QTest::addColumn<JournalKind>("journal");
        for (const auto& [name, journal] : journals()) {
            QTest::addRow("unsynced writes are lost, %s", name) << Fault::Unsynced::Lost << journal;
            QTest::addRow("some are kept, %s", name) << Fault::Unsynced::SomeKept << journal;
            QTest::addRow("some are torn, %s", name) << Fault::Unsynced::Torn << journal;
        }
    }
    void powerLossKeepsFinishedTrials()
    {
        QFETCH(Fault::Unsynced, unsynced);
        QFETCH(JournalKind, journal);
        const std::uint32_t seeds = unsynced == Fault::Unsynced::Lost ? 1 : LongRun::wanted() ? 10 : 1;
        for (const std::int64_t call : callsToHit(Fault::Kind::PowerLoss, journal)) {
            for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
                newFile();
                dieAt({.kind = Fault::Kind::PowerLoss, .at = call, .unsynced = unsynced, .seed = seed}, journal);
                if (QTest::currentTestFailed())
                    return;
            }
        }
    }

private:
    static std::vector<std::pair<const char*, JournalKind>> journals()
    {
        return {{"WAL", JournalKind::Wal}, {"rollback journal", JournalKind::Rollback}};
    }

    static void addJournals()
    {
        QTest::addColumn<JournalKind>("journal");
        for (const auto& [name, journal] : journals())
            QTest::addRow("%s", name) << journal;
    }

    void newFile()
    {
        m_folder = std::make_unique<QTemporaryDir>(folderInMemory());
        m_file = std::filesystem::path(m_folder->path().toStdString()) / "p.pscope";
    }

    /// The numbers of the calls to hit: all that an undisturbed run makes, or some of them evenly spread.
    QList<std::int64_t> callsToHit(FaultyVfs& vfs, Fault::Kind kind, JournalKind journal)
    {
        newFile();
        vfs.arm({.kind = kind}); // at call 0, which never comes
        scriptedRun(m_file, journal, [](int) {});
        const std::int64_t calls = vfs.calls();
        vfs.disarm();
        const LongRun few {0, (calls + kShortRunCalls - 1) / kShortRunCalls};
        const auto [first, step] = LongRun::wanted().value_or(few);
        QList<std::int64_t> chosen;
        for (std::int64_t call = first + 1; call <= calls; call += step)
            chosen << call;
        m_hit = static_cast<int>(chosen.size());
        qInfo("%d of %lld calls", m_hit, static_cast<long long>(calls));
        return chosen;
    }
    QList<std::int64_t> callsToHit(Fault::Kind kind, JournalKind journal)
    {
        FaultyVfs vfs;
        return callsToHit(vfs, kind, journal);
    }

    void dieAt(const Fault& fault, JournalKind journal)
    {
        SecondProcess writer({QStringLiteral("script"), QString::fromStdString(m_file.string()),
                              QString::number(static_cast<int>(journal)), QString::number(static_cast<int>(fault.kind)),
                              QString::number(fault.at), QString::number(static_cast<int>(fault.unsynced)),
                              QString::number(fault.seed)});
        QSet<int> finished;
        for (QString line = writer.line(); !line.isEmpty(); line = writer.line()) {
            QVERIFY2(line.startsWith(QLatin1String("done ")), qPrintable(line));
            finished << line.section(QLatin1Char(' '), 1, 1).toInt();
        }
        checkAfter(finished, journal);
        if (QTest::currentTestFailed())
            qWarning("at call %lld, seed %u", static_cast<long long>(fault.at), fault.seed);
    }

    /// A sentence about the file with a remedy, and no word of damage: the disk failed, not the file.
    static void checkExplained(const Error& error)
    {
        QVERIFY2(error.code == ErrorCode::Io, error.sentence().c_str());
        QVERIFY2(error.message.find("p.pscope") != std::string::npos, error.sentence().c_str());
        QVERIFY2(!error.hint.empty(), error.sentence().c_str());
    }

    /// The file opens, holds what was reported, nothing by halves, and can be written on.
    void checkAfter(const QSet<int>& finished, JournalKind journal)
    {
        const StoreEnvironment environment = scriptEnvironment(journal, true);
        if (!std::filesystem::exists(m_file)) {
            QVERIFY(finished.isEmpty());
            return;
        }
        {
            const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly, environment);
            VERIFY_OK(reader);
            checkTrials(reader.value(), finished);
        }
        {
            auto writer = ProjectStore::open(m_file, OpenMode::ReadWrite, environment);
            VERIFY_OK(writer);
            checkTrials(writer.value(), finished);
            VERIFY_OK(writer.value().finishTrial(sampleTrial(99)));
        }
        auto database = Database::open(m_file, Database::Access::ReadOnly);
        VERIFY_OK(database);
        QCOMPARE(database.value().text("PRAGMA integrity_check").value(), std::string("ok"));
        auto orphans = database.value().prepare("PRAGMA foreign_key_check");
        VERIFY_OK(orphans);
        QCOMPARE(orphans.value().step().value(), false);
        for (const auto& [name, digest] : contentOf(m_file.parent_path()))
            QVERIFY2(name == "p.pscope" || name == "p.schema1.pscope" || name.find(".tmp") != std::string::npos,
                     name.c_str());
    }

    static void checkTrials(const ProjectStore& store, const QSet<int>& finished)
    {
        const auto trials = store.trials();
        VERIFY_OK(trials);
        QSet<int> found;
        for (int number = 0; number < kScriptTrials; ++number) {
            const auto trial = store.trial(sampleId(number));
            if (!trial.ok() || trial.value().status != TrialStatus::Done)
                continue;
            TrialRecord expected = sampleTrial(number);
            expected.attempts = trial.value().attempts;
            QVERIFY2(sameTrial(trial.value(), expected), qPrintable(QStringLiteral("trial %1").arg(number)));
            found << number;
        }
        QVERIFY2(found.contains(finished),
                 qPrintable(QStringLiteral("%1 of %2 finished trials").arg(found.size()).arg(finished.size())));
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
    int m_hit = 0;
};

QTEST_GUILESS_MAIN(TstProjectFaults)
#include "tst_project_faults.moc"
