// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/project_files.h"
#include "core/project/project_store.h"
#include "core/project/store_environment.h"

#include <QTemporaryDir>
#include <QtTest>

#include <atomic>
#include <thread>

#include <unistd.h>

using namespace paretoscope::core;

namespace {

QString nameOf(const std::filesystem::path& file)
{
    return QString::fromStdString(file.string());
}

void makeProject(const std::filesystem::path& file, int trials)
{
    auto store = ProjectStore::open(file, OpenMode::Create);
    VERIFY_OK(store);
    for (int number = 0; number < trials; ++number)
        VERIFY_OK(store.value().finishTrial(sampleTrial(number)));
}

/// A writer that finished `trials` trials and was killed: the newest commits are in the WAL only.
void makeRemains(const std::filesystem::path& file, int trials)
{
    SecondProcess writer({QStringLiteral("answer"), nameOf(file)});
    QCOMPARE(writer.line(), QStringLiteral("ready"));
    for (int number = 0; number < trials; ++number) {
        writer.write(QString::number(number));
        QCOMPARE(writer.line(), QStringLiteral("done %1").arg(number));
    }
    writer.kill();
}

/// A connection that reads from when it is made until it goes, and does not wait for others.
struct Reading
{
    explicit Reading(const std::filesystem::path& file)
        : database(Database::open(file, Database::Access::ReadOnly))
    {
        if (database.ok())
            begun = database.value().execute("BEGIN; SELECT * FROM project");
    }

    Result<Database> database;
    Status begun = Error {ErrorCode::Io, "the file cannot be opened", "see the test"};
};

/// Leaves a journal to roll back, as a writer does that is killed in the middle of a commit on a network file system.
void makeHotJournal(const std::filesystem::path& file)
{
    const std::filesystem::path work = file.parent_path() / "work.pscope";
    makeProject(work, 5);
    const ProjectFiles files = ProjectFiles::of(work);
    {
        auto database = Database::open(work, Database::Access::ReadWrite);
        VERIFY_OK(database);
        // A cache of one page spills at once: the main file is half changed while the journal has the old pages.
        VERIFY_OK(database.value().execute("PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; BEGIN IMMEDIATE; "
                                           "UPDATE trial SET label = 'half written'; "
                                           "UPDATE attempt SET provenance = hex(zeroblob(5000)); "
                                           "UPDATE trial_metric SET value = 0"));
        std::filesystem::copy_file(files.journal, ProjectFiles::of(file).journal);
        // Copied through SQLite's descriptor: closing one of our own would drop its locks.
        std::vector<std::uint8_t> content(static_cast<std::size_t>(stampOf(work).size));
        VERIFY_OK(database.value().readFile(0, content));
        QFile copy(nameOf(file));
        QVERIFY(copy.open(QIODevice::WriteOnly));
        copy.write(reinterpret_cast<const char*>(content.data()), static_cast<qint64>(content.size()));
    }
    std::filesystem::remove(work);
    std::filesystem::remove(files.journal);
}

void makeRemainsWithoutSharedMemory(const std::filesystem::path& file)
{
    makeRemains(file, 5);
    std::filesystem::remove(ProjectFiles::of(file).shm);
}

/// The main file of a project that is being written, copied alone.
void makeBareWalFile(const std::filesystem::path& file)
{
    makeProject(file, 5);
    auto database = Database::open(file, Database::Access::ReadWrite);
    VERIFY_OK(database);
    VERIFY_OK(database.value().text("PRAGMA journal_mode = WAL"));
    VERIFY_OK(database.value().execute("UPDATE project SET title = 'x'; PRAGMA wal_checkpoint(TRUNCATE)"));
    const ProjectFiles files = ProjectFiles::of(file);
    std::filesystem::remove(files.wal);
    std::filesystem::remove(files.shm);
}

} // namespace

class TstProjectReading : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>(folderInMemory());
        m_file = std::filesystem::path(m_folder->path().toStdString()) / "p.pscope";
    }

    void readOnlyChangesNoByte_data()
    {
        QTest::addColumn<int>("state");
        QTest::addColumn<QStringList>("files");
        const QString main = QStringLiteral("p.pscope");
        const QString wal = QStringLiteral("p.pscope-wal");
        const QString shm = QStringLiteral("p.pscope-shm");
        const QString lock = QStringLiteral("p.pscope.lock");
        QTest::addRow("at rest") << 0 << QStringList {main};
        QTest::addRow("beside the WAL of a killed writer") << 1 << QStringList {main, shm, wal, lock};
        QTest::addRow("WAL without shared memory (copied project)") << 2 << QStringList {main, wal, lock};
        QTest::addRow("WAL mode, only the main file copied") << 3 << QStringList {main};
        QTest::addRow("journal to roll back") << 4 << QStringList {main, QStringLiteral("p.pscope-journal")};
    }
    void readOnlyChangesNoByte()
    {
        QFETCH(int, state);
        QFETCH(QStringList, files);
        makeState(state);
        const auto before = contentOf(m_file.parent_path());
        QStringList found;
        for (const auto& [name, digest] : before)
            found << QString::fromStdString(name);
        QCOMPARE(found, files);
        {
            const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
            VERIFY_OK(reader);
            QVERIFY(contentOf(m_file.parent_path()) == before);
            const auto trials = reader.value().trials();
            VERIFY_OK(trials);
            QCOMPARE(trials.value().size(), 5u);
            TrialRecord expected = sampleTrial(4);
            expected.layerMetrics.clear();
            QVERIFY(sameTrial(trials.value().back(), expected));
            VERIFY_OK(reader.value().dataVersion());
            VERIFY_OK(reader.value().findTrial(sampleId(3).hex().substr(0, 8)));
            QVERIFY(contentOf(m_file.parent_path()) == before);
        }
        QVERIFY(contentOf(m_file.parent_path()) == before);
    }

    void readOnlyFolderCanBeRead_data() { readOnlyChangesNoByte_data(); }
    void readOnlyFolderCanBeRead()
    {
        QFETCH(int, state);
        if (::getuid() != 0)
            QSKIP("needs root to become another user, whom permissions bind");
        makeState(state);
        const auto folder = m_file.parent_path();
        std::filesystem::permissions(folder, std::filesystem::perms(0555));
        for (const auto& entry : std::filesystem::directory_iterator(folder))
            std::filesystem::permissions(entry.path(), std::filesystem::perms(0444));
        const auto before = contentOf(folder);
        SecondProcess reader({QStringLiteral("open"), nameOf(m_file), QStringLiteral("r"), QStringLiteral("65534")});
        QCOMPARE(reader.line(), QStringLiteral("trials 5"));
        QVERIFY(reader.finish());
        QVERIFY(contentOf(folder) == before);
        SecondProcess writer({QStringLiteral("open"), nameOf(m_file), QStringLiteral("w"), QStringLiteral("65534")});
        const QString refusal = writer.line();
        QVERIFY2(refusal.startsWith(QLatin1String("error Io cannot write in ")), qPrintable(refusal));
        QVERIFY(contentOf(folder) == before);
        std::filesystem::permissions(folder, std::filesystem::perms(0755));
    }

    void readersSeeEachCommitOfTheWriter()
    {
        SecondProcess writer({QStringLiteral("answer"), nameOf(m_file)});
        QCOMPARE(writer.line(), QStringLiteral("ready"));
        const auto first = ProjectStore::open(m_file, OpenMode::ReadOnly);
        const auto second = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_OK(first);
        VERIFY_OK(second);
        std::int64_t version = first.value().dataVersion().value();
        for (int number = 0; number < 20; ++number) {
            writer.write(QString::number(number));
            QCOMPARE(writer.line(), QStringLiteral("done %1").arg(number));
            QVERIFY(first.value().dataVersion().value() > version);
            version = first.value().dataVersion().value();
            QCOMPARE(second.value().dataVersion().value(), version);
            QCOMPARE(first.value().trials().value().size(), std::size_t(number) + 1);
            QCOMPARE(second.value().trials().value().size(), std::size_t(number) + 1);
        }
        QVERIFY(writer.finish()); // readers that are open do not keep the file from coming to rest
        QCOMPARE(contentOf(m_file.parent_path()).size(), 1u);
        QCOMPARE(first.value().dataVersion().value(), version);
        SecondProcess next({QStringLiteral("answer"), nameOf(m_file)});
        QCOMPARE(next.line(), QStringLiteral("ready"));
        next.write(QStringLiteral("100"));
        QCOMPARE(next.line(), QStringLiteral("done 100"));
        QVERIFY(first.value().dataVersion().value() > version);
        QCOMPARE(first.value().trials().value().size(), 21u);
    }

    void readersOfAPrivateCopySeeTheNextWriter_data()
    {
        QTest::addColumn<int>("state");
        QTest::addRow("WAL without shared memory") << 2;
        QTest::addRow("only the main file") << 3;
        QTest::addRow("journal to roll back") << 4;
    }
    void readersOfAPrivateCopySeeTheNextWriter()
    {
        QFETCH(int, state);
        makeState(state);
        const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_OK(reader);
        const std::int64_t version = reader.value().dataVersion().value();
        SecondProcess writer({QStringLiteral("answer"), nameOf(m_file)});
        QCOMPARE(writer.line(), QStringLiteral("ready"));
        writer.write(QStringLiteral("77"));
        QCOMPARE(writer.line(), QStringLiteral("done 77"));
        QVERIFY(reader.value().dataVersion().value() > version);
        QCOMPARE(reader.value().trials().value().size(), 6u);
    }

    void readersAndWritersOfOneProcessDoNotDisturbEachOther()
    {
        makeRemains(m_file, 5); // readers that look at remains hold the shared memory read-only
        std::atomic<bool> stop = false;
        std::atomic<int> failures = 0;
        std::atomic<int> reads = 0;
        const auto readAllTheTime = [&] {
            const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
            std::size_t most = 0;
            while (!stop && reader.ok()) {
                const auto trials = reader.value().trials();
                if (!trials.ok() || trials.value().size() < most) {
                    ++failures;
                    qWarning("%s", trials.ok() ? "trials vanished" : trials.error().sentence().c_str());
                    return;
                }
                most = trials.value().size();
                ++reads;
            }
            failures += reader.ok() ? 0 : 1;
        };
        std::thread firstReader(readAllTheTime);
        std::thread secondReader(readAllTheTime);
        bool written = true;
        for (int round = 0; round < 10 && written; ++round) {
            auto store = ProjectStore::open(m_file, OpenMode::ReadWrite);
            written = store.ok();
            if (!written)
                qWarning("%s", store.error().sentence().c_str());
            for (int i = 0; written && i < 10; ++i)
                written = store.value().finishTrial(sampleTrial(100 + 10 * round + i)).ok();
        }
        stop = true;
        firstReader.join();
        secondReader.join();
        QVERIFY(written);
        QCOMPARE(failures.load(), 0);
        QVERIFY(reads.load() > 0);
        const auto store = ProjectStore::open(m_file, OpenMode::ReadOnly);
        QCOMPARE(store.value().trials().value().size(), 105u);
        QCOMPARE(contentOf(m_file.parent_path()).size(), 1u);
    }

    void closingWriterLetsNoFurtherReaderIn()
    {
        makeProject(m_file, 1);
        auto writer = Database::open(m_file, Database::Access::ReadWrite);
        VERIFY_OK(writer);
        QCOMPARE(writer.value().text("PRAGMA journal_mode = WAL").value(), std::string("wal"));
        VERIFY_OK(writer.value().execute("UPDATE project SET title = 'x'"));
        {
            const Reading first(m_file);
            VERIFY_OK(first.begun);
            QVERIFY(!writer.value().lockAlone());
            const Reading late(m_file);
            VERIFY_ERROR(late.begun, ErrorCode::Busy);
            QVERIFY(!writer.value().lockAlone());
        }
        QVERIFY(writer.value().lockAlone());
        QCOMPARE(writer.value().text("PRAGMA journal_mode = DELETE").value(), std::string("delete"));
        const Reading next(m_file);
        VERIFY_OK(next.begun);
        QVERIFY(!std::filesystem::exists(ProjectFiles::of(m_file).wal));
        QVERIFY(!std::filesystem::exists(ProjectFiles::of(m_file).shm));
    }

    void readersThatTakeTurnsLeaveOneFile()
    {
        auto store = ProjectStore::open(m_file, OpenMode::Create);
        VERIFY_OK(store);
        VERIFY_OK(store.value().finishTrial(sampleTrial(1)));
        std::atomic<bool> isClosed = false;
        auto reading = std::make_unique<Reading>(m_file);
        VERIFY_OK(reading->begun);
        std::thread closing([&] {
            {
                const ProjectStore last = std::move(store).value();
            }
            isClosed = true;
        });
        bool isLetIn = true;
        while (isLetIn && !isClosed) { // there is always one that reads
            auto next = std::make_unique<Reading>(m_file);
            isLetIn = next->begun.ok();
            reading = std::move(next);
        }
        reading.reset();
        closing.join();
        QCOMPARE(contentOf(m_file.parent_path()).size(), 1u);
    }

    void readerNeverFailsWhileWritersComeGoAndAreKilled()
    {
        makeProject(m_file, 1);
        const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_OK(reader);
        std::size_t most = 1;
        std::int64_t version = 0;
        for (int round = 0; round < 4; ++round) {
            SecondProcess writer({QStringLiteral("write"), nameOf(m_file), QString::number(1000 * round)});
            QVERIFY(!writer.lineStarting(QStringLiteral("done")).isEmpty());
            for (int i = 0; i < 40; ++i) {
                const auto trials = reader.value().trials();
                VERIFY_OK(trials);
                QVERIFY(trials.value().size() >= most);
                most = trials.value().size();
                const auto now = reader.value().dataVersion();
                VERIFY_OK(now);
                QVERIFY(now.value() >= version);
                version = now.value();
            }
            writer.kill();
            for (const QString& line : writer.remainingLines()) // our reading never hinders it
                QVERIFY2(line.startsWith(QLatin1String("done")), qPrintable(line));
        }
        QVERIFY(most > 4);
    }

    void networkFileSystemGetsARollbackJournalAndAnEvent()
    {
        const StoreEnvironment network {.networkFileSystem = true};
        makeRemains(m_file, 3); // a WAL that a local machine left behind is folded in
        {
            auto store = ProjectStore::open(m_file, OpenMode::ReadWrite, network);
            VERIFY_OK(store);
            VERIFY_OK(store.value().finishTrial(sampleTrial(10)));
            QVERIFY(!std::filesystem::exists(ProjectFiles::of(m_file).wal));
            QVERIFY(!std::filesystem::exists(ProjectFiles::of(m_file).shm));
            const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly, network);
            VERIFY_OK(reader);
            QCOMPARE(reader.value().trials().value().size(), 4u);
            const std::int64_t version = reader.value().dataVersion().value();
            VERIFY_OK(store.value().finishTrial(sampleTrial(11)));
            QCOMPARE(reader.value().trials().value().size(), 5u);
            QVERIFY(reader.value().dataVersion().value() > version);
        }
        auto again = ProjectStore::open(m_file, OpenMode::ReadWrite, network);
        VERIFY_OK(again);
        const auto events = again.value().events();
        VERIFY_OK(events);
        int said = 0;
        for (const EventRecord& event : events.value())
            said += event.kind == "journal_mode" ? 1 : 0;
        QCOMPARE(said, 1);
    }

    void networkReaderOfAWalTakesAPrivateCopy()
    {
        makeRemains(m_file, 5);
        const auto before = contentOf(m_file.parent_path());
        const StoreEnvironment network {.networkFileSystem = true};
        const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly, network);
        VERIFY_OK(reader);
        QCOMPARE(reader.value().trials().value().size(), 5u);
        QVERIFY(contentOf(m_file.parent_path()) == before);
    }

    void knownNetworkFileSystems_data()
    {
        QTest::addColumn<quint64>("magic");
        QTest::addColumn<bool>("network");
        QTest::addRow("nfs") << quint64(0x6969) << true;
        QTest::addRow("cifs") << quint64(0xff534d42) << true;
        QTest::addRow("smb2") << quint64(0xfe534d42) << true;
        QTest::addRow("lustre") << quint64(0x0bd00bd0) << true;
        QTest::addRow("gpfs") << quint64(0x47504653) << true;
        QTest::addRow("9p") << quint64(0x01021997) << true;
        QTest::addRow("fuse") << quint64(0x65735546) << true;
        QTest::addRow("ext4") << quint64(0xef53) << false;
        QTest::addRow("xfs") << quint64(0x58465342) << false;
        QTest::addRow("btrfs") << quint64(0x9123683e) << false;
        QTest::addRow("tmpfs") << quint64(0x01021994) << false;
        QTest::addRow("overlayfs") << quint64(0x794c7630) << false;
    }
    void knownNetworkFileSystems()
    {
        QFETCH(quint64, magic);
        QFETCH(bool, network);
        QCOMPARE(fileSystemFromMagic(magic).network, network);
    }

    void vanishedProjectIsNamed()
    {
        makeProject(m_file, 1);
        const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_OK(reader);
        std::filesystem::remove(m_file);
        const auto trials = reader.value().trials();
        VERIFY_ERROR(trials, ErrorCode::NotFound);
        QVERIFY(trials.error().message.find("p.pscope") != std::string::npos);
        makeProject(m_file, 2); // and one that comes back is read
        QCOMPARE(reader.value().trials().value().size(), 2u);
    }

    void symbolicLinkIsTheSameProject()
    {
        makeRemains(m_file, 2);
        QTemporaryDir elsewhere;
        const auto link = std::filesystem::path(elsewhere.path().toStdString()) / "link.pscope";
        std::filesystem::create_symlink(m_file, link);
        const auto reader = ProjectStore::open(link, OpenMode::ReadOnly);
        VERIFY_OK(reader);
        QCOMPARE(reader.value().trials().value().size(), 2u);
    }

private:
    void makeState(int state)
    {
        switch (state) {
        case 0:
            return makeProject(m_file, 5);
        case 1:
            return makeRemains(m_file, 5);
        case 2:
            return makeRemainsWithoutSharedMemory(m_file);
        case 3:
            return makeBareWalFile(m_file);
        default:
            return makeHotJournal(m_file);
        }
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
};

QTEST_GUILESS_MAIN(TstProjectReading)
#include "tst_project_reading.moc"
