// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/project_files.h"
#include "core/project/project_store.h"

#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

namespace {

/// A cheap reading of everything; what a damaged file may do is fail with an error or give odd values.
void readEverything(const ProjectStore& store)
{
    const auto trials = store.trials();
    if (trials.ok()) {
        for (const TrialRecord& trial : trials.value()) {
            (void)store.trial(trial.id);
            (void)canonicalJson(trial.provenance);
            (void)canonicalJson(trial.pipeline);
        }
    }
    (void)store.findTrial("gptq(bits=3,group_size=2)");
    (void)store.workloads();
    (void)store.sweeps();
    (void)store.events();
    (void)store.dataVersion();
}

} // namespace

class TstProjectHostile : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_place = m_folder.path().toStdString();
        const auto file = m_place / "sound.pscope";
        {
            auto store = ProjectStore::open(file, OpenMode::Create);
            VERIFY_OK(store);
            VERIFY_OK(store.value().recordWorkload(sampleWorkload()));
            VERIFY_OK(store.value().recordSweep("demo", "paretoscope: 1", {sampleId(1)}));
            for (int number = 0; number < 20; ++number)
                VERIFY_OK(store.value().finishTrial(sampleTrial(number)));
        }
        QFile sound(QString::fromStdString(file.string()));
        QVERIFY(sound.open(QIODevice::ReadOnly));
        m_sound = sound.readAll();
    }

    void strangeSchemaIsRefusedByName_data()
    {
        QTest::addColumn<QString>("sql");
        QTest::addColumn<QString>("named");
        const auto row = [](const char* tag, const char* sql, const char* named) {
            QTest::addRow("%s", tag) << QString::fromUtf8(sql) << QString::fromUtf8(named);
        };
        row("trigger", "CREATE TRIGGER evil AFTER INSERT ON trial BEGIN DELETE FROM trial; END", "trigger \"evil\"");
        row("view", "CREATE VIEW evil AS SELECT * FROM trial", "view \"evil\"");
        row("view instead of a table", "DROP TABLE published_point; CREATE VIEW published_point AS SELECT 1 AS id",
            "view \"published_point\"");
        row("virtual table", "CREATE VIRTUAL TABLE evil USING fts5(x)", "table \"evil");
        row("table", "CREATE TABLE evil (x)", "table \"evil\"");
        row("index", "CREATE INDEX evil ON trial (abs(seed))", "index \"evil\"");
        row("changed table", "ALTER TABLE note ADD COLUMN evil TEXT", "table \"note\"");
        row("missing table", "DROP TABLE view_state", "table \"view_state\" is missing");
        row("missing index", "DROP INDEX tag_by_name", "index \"tag_by_name\" is missing");
    }
    void strangeSchemaIsRefusedByName()
    {
        QFETCH(QString, sql);
        QFETCH(QString, named);
        const auto file = copyOfSound();
        alter(file, sql);
        const auto before = contentOf(m_place);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
            const auto store = ProjectStore::open(file, mode);
            VERIFY_ERROR(store, ErrorCode::Corrupt);
            const QString message = QString::fromStdString(store.error().message);
            QVERIFY2(message.contains(named), qPrintable(message));
        }
        QVERIFY(contentOf(m_place) == before);
    }

    void foreignFileIsNamedAsSuch_data()
    {
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<QString>("said");
        const auto changed = [this](int offset, const QByteArray& bytes) {
            return QByteArray(m_sound).replace(offset, bytes.size(), bytes);
        };
        const QString notOurs = QStringLiteral("is not a Paretoscope project");
        QTest::addRow("text") << QByteArray(5000, 'x') << notOurs;
        QTest::addRow("a few bytes") << QByteArray("hello") << notOurs;
        QTest::addRow("another application id") << changed(68, "ABCD") << notOurs;
        QTest::addRow("no application id") << changed(68, QByteArray(4, 0)) << notOurs;
        QTest::addRow("UTF-16") << changed(56, QByteArray("\0\0\0\2", 4)) << QStringLiteral("is damaged");
        QTest::addRow("half of it") << m_sound.left(m_sound.size() / 2) << QStringLiteral("unfinished copy");
        QTest::addRow("header only") << m_sound.left(100) << QStringLiteral("unfinished copy");
        QTest::addRow("zeros after the header")
            << m_sound.left(100) + QByteArray(m_sound.size() - 100, 0) << QStringLiteral("is damaged");
        QTest::addRow("page size of 3") << changed(16, QByteArray("\0\3", 2)) << QStringLiteral("not a Paretoscope");
    }
    void foreignFileIsNamedAsSuch()
    {
        QFETCH(QByteArray, content);
        QFETCH(QString, said);
        const auto file = fileWith(content);
        const auto before = contentOf(m_place);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
            const auto store = ProjectStore::open(file, mode);
            VERIFY_ERROR(store, ErrorCode::Corrupt);
            const QString message = QString::fromStdString(store.error().message);
            QVERIFY2(message.contains(said) && message.contains(QStringLiteral("x.pscope")), qPrintable(message));
        }
        QVERIFY(contentOf(m_place) == before);
    }

    void emptyFileAndFolderAreNoProjects()
    {
        VERIFY_ERROR(ProjectStore::open(fileWith({}), OpenMode::ReadOnly), ErrorCode::Corrupt);
        VERIFY_ERROR(ProjectStore::open(fileWith({}), OpenMode::ReadWrite), ErrorCode::Corrupt);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create})
            VERIFY_ERROR(ProjectStore::open(m_place, mode), ErrorCode::Corrupt);
        VERIFY_ERROR(ProjectStore::open({}, OpenMode::Create), ErrorCode::InvalidArgument);
    }

    void newerProjectNamesTheVersionNeeded()
    {
        const auto file = copyOfSound();
        alter(file, QStringLiteral("PRAGMA user_version = 7; UPDATE project SET requires = '3.2.0'; "
                                   "CREATE TABLE from_the_future (x)"));
        const auto before = contentOf(m_place);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
            const auto store = ProjectStore::open(file, mode);
            VERIFY_ERROR(store, ErrorCode::Unsupported);
            QVERIFY(store.error().message.find("schema version 7") != std::string::npos);
            QVERIFY(store.error().hint.find("Paretoscope 3.2.0 or newer") != std::string::npos);
        }
        QVERIFY(contentOf(m_place) == before);
    }

    void damagedCellDoesNotHideTheOthers_data()
    {
        QTest::addColumn<QString>("sql");
        QTest::addRow("provenance") << QStringLiteral("UPDATE attempt SET provenance = '{\"a\":' WHERE trial_id = 3");
        QTest::addRow("deep provenance")
            << QStringLiteral("UPDATE attempt SET provenance = '%1' WHERE trial_id = 3").arg(QString(200'000, u'['));
        QTest::addRow("pipeline") << QStringLiteral("UPDATE pipeline SET stages = 'x' WHERE id = 3");
        QTest::addRow("details") << QStringLiteral("UPDATE trial_metric SET details = '[1,' WHERE trial_id = 3");
        QTest::addRow("bytes that are no UTF-8")
            << QStringLiteral("UPDATE trial SET label = CAST(x'c328ff' AS TEXT) WHERE id = 3");
        QTest::addRow("infinite value") << QStringLiteral("UPDATE trial_metric SET value = 9e999 WHERE trial_id = 3");
    }
    void damagedCellDoesNotHideTheOthers()
    {
        QFETCH(QString, sql);
        const auto file = copyOfSound();
        alter(file, sql);
        const auto store = ProjectStore::open(file, OpenMode::ReadOnly);
        VERIFY_OK(store);
        const auto trials = store.value().trials();
        VERIFY_OK(trials);
        QCOMPARE(trials.value().size(), 20u);
        TrialRecord expected = sampleTrial(7);
        expected.layerMetrics.clear();
        QVERIFY(sameTrial(trials.value()[7], expected));
        (void)canonicalJson(trials.value()[2].provenance);
        for (const char c : trials.value()[2].label)
            QVERIFY(c != '\xff');
    }

    void flippedBytesNeverCrash()
    {
        QRandomGenerator random(4711);
        int refused = 0;
        for (int round = 0; round < 150; ++round) {
            QByteArray content = m_sound;
            const int flips = random.bounded(1, 40);
            for (int i = 0; i < flips; ++i) {
                // Half of them in the first pages, where header and schema lie.
                const qsizetype range = random.bounded(2) == 0 ? 8192 : content.size();
                const auto at = static_cast<qsizetype>(random.bounded(static_cast<quint32>(range)));
                content[at] = static_cast<char>(random.bounded(256));
            }
            const auto file = fileWith(content);
            const auto reader = ProjectStore::open(file, OpenMode::ReadOnly);
            if (!reader.ok()) {
                ++refused;
                QVERIFY(!reader.error().message.empty());
                continue;
            }
            readEverything(reader.value());
            auto writer = ProjectStore::open(file, OpenMode::ReadWrite);
            if (writer.ok())
                (void)writer.value().finishTrial(sampleTrial(1000));
        }
        QVERIFY(refused > 50);
    }

    void randomRemainsBesideASoundFileNeverCrash_data()
    {
        QTest::addColumn<QString>("suffix");
        QTest::addRow("WAL") << QStringLiteral("-wal");
        QTest::addRow("shared memory") << QStringLiteral("-shm");
        QTest::addRow("journal") << QStringLiteral("-journal");
        QTest::addRow("lock") << QStringLiteral(".lock");
    }
    void randomRemainsBesideASoundFileNeverCrash()
    {
        QFETCH(QString, suffix);
        QRandomGenerator random(42);
        const auto file = copyOfSound();
        QByteArray noise(70'000, 0);
        for (char& byte : noise)
            byte = static_cast<char>(random.bounded(256));
        QFile remains(QString::fromStdString(file.string()) + suffix);
        QVERIFY(remains.open(QIODevice::WriteOnly));
        remains.write(noise);
        remains.close();
        const auto before = contentOf(m_place);
        {
            const auto reader = ProjectStore::open(file, OpenMode::ReadOnly);
            VERIFY_OK(reader);
            QCOMPARE(reader.value().trials().value().size(), 20u);
        }
        QVERIFY(contentOf(m_place) == before);
        const auto writer = ProjectStore::open(file, OpenMode::ReadWrite);
        VERIFY_OK(writer);
        QCOMPARE(writer.value().trials().value().size(), 20u);
    }

private:
    std::filesystem::path fileWith(const QByteArray& content)
    {
        for (const auto& entry : std::filesystem::directory_iterator(m_place))
            std::filesystem::remove_all(entry.path());
        const auto path = m_place / "x.pscope";
        QFile file(QString::fromStdString(path.string()));
        if (!file.open(QIODevice::WriteOnly) || file.write(content) != content.size())
            qFatal("cannot write %s", path.c_str());
        return path;
    }
    std::filesystem::path copyOfSound() { return fileWith(m_sound); }

    static void alter(const std::filesystem::path& file, const QString& sql)
    {
        auto database = Database::open(file, Database::Access::ReadWrite);
        VERIFY_OK(database);
        VERIFY_OK(database.value().execute(sql.toStdString()));
    }

    QTemporaryDir m_folder {folderInMemory()};
    std::filesystem::path m_place;
    QByteArray m_sound;
};

QTEST_GUILESS_MAIN(TstProjectHostile)
#include "tst_project_hostile.moc"
