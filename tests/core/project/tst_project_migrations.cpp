// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/migrations.h"
#include "core/project/project_store.h"
#include "core/project/schema_v1.h"
#include "core/project/store_environment.h"

#include <QTemporaryDir>
#include <QtTest>

#include <array>

using namespace paretoscope::core;

namespace {

/// A step as a later version might bring it.
Status addRating(Database& database)
{
    PSC_TRY(database.execute("ALTER TABLE note ADD COLUMN rating INTEGER NOT NULL DEFAULT 0"));
    return database.execute("UPDATE trial SET label = 'migrated ' || label");
}

Status breakHalfWay(Database& database)
{
    PSC_TRY(addRating(database));
    return database.execute("DELETE FROM no_such_table");
}

Status orphanRows(Database& database)
{
    return database.execute("UPDATE trial SET pipeline_id = 12345 WHERE id = 1");
}

std::array<Migration, 2> withSecondStep(Status (*apply)(Database&))
{
    return {migrations()[0], Migration {.version = 2, .programVersion = "9.9.9", .apply = apply}};
}

} // namespace

class TstProjectMigrations : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>(folderInMemory());
        m_place = m_folder->path().toStdString();
        m_file = m_place / "p.pscope";
    }

    void versionsAreNumberedWithoutGaps()
    {
        std::int32_t expected = 1;
        for (const Migration& step : migrations()) {
            QCOMPARE(step.version, expected++);
            QVERIFY(step.apply != nullptr);
            QVERIFY(*step.programVersion != '\0');
        }
    }

    void newProjectHasTheNewestVersion()
    {
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::Create));
        QCOMPARE(versionOf(m_file), std::int64_t(migrations().back().version));
        auto database = Database::open(m_file, Database::Access::ReadOnly);
        VERIFY_OK(database);
        QCOMPARE(database.value().integer("PRAGMA application_id").value(), std::int64_t(kApplicationId));
        QFile file(QString::fromStdString(m_file.string()));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QCOMPARE(file.read(72).mid(68), QByteArray("PSCP")); // what MIME rules look for
    }

    void versionZeroIsCompleted()
    {
        auto database = Database::open(m_file, Database::Access::Create);
        VERIFY_OK(database);
        VERIFY_OK(database.value().execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
        {
            const Database closed = std::move(database).value();
        }
        QCOMPARE(versionOf(m_file), std::int64_t(0));
        auto store = ProjectStore::open(m_file, OpenMode::ReadWrite);
        VERIFY_OK(store);
        VERIFY_OK(store.value().finishTrial(sampleTrial(1)));
    }

    // tests/data/project holds a project of each released version.
    void storedProjectsOfEachVersionOpen_data()
    {
        QTest::addColumn<QString>("name");
        const QDir stored(QStringLiteral(PARETOSCOPE_TEST_DATA "/project"));
        for (const QString& name : stored.entryList({QStringLiteral("*.pscope")}, QDir::Files))
            QTest::addRow("%s", qPrintable(name)) << stored.filePath(name);
        QCOMPARE(stored.entryList({QStringLiteral("*.pscope")}, QDir::Files).size(), qsizetype(migrations().size()));
    }
    void storedProjectsOfEachVersionOpen()
    {
        QFETCH(QString, name);
        QVERIFY(QFile::copy(name, QString::fromStdString(m_file.string())));
        QFile::setPermissions(QString::fromStdString(m_file.string()), QFile::ReadOwner | QFile::WriteOwner);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::ReadOnly}) {
            const auto store = ProjectStore::open(m_file, mode);
            VERIFY_OK(store);
            for (int number = 1; number <= 3; ++number)
                QVERIFY(sameTrial(store.value().trial(sampleId(number)).value(), sampleTrial(number)));
            QCOMPARE(store.value().workloads().value().front().modelSha256, sampleWorkload().modelSha256);
            QCOMPARE(store.value().sweeps().value().front().source, std::string("paretoscope: 1"));
        }
    }

    void writerMigratesAfterABackup()
    {
        makeVersion1();
        const std::string original = contentOf(m_place).begin()->second;
        const auto steps = withSecondStep(addRating);
        auto store = ProjectStore::open(m_file, OpenMode::ReadWrite, {.steps = steps});
        VERIFY_OK(store);
        QCOMPARE(store.value().trial(sampleId(1)).value().label, "migrated " + sampleTrial(1).label);
        const auto backup = m_place / "p.schema1.pscope";
        QCOMPARE(versionOf(backup), std::int64_t(1));
        const auto old = ProjectStore::open(backup, OpenMode::ReadOnly);
        VERIFY_OK(old);
        QVERIFY(sameTrial(old.value().trial(sampleId(1)).value(), sampleTrial(1)));
        // This program refuses the new one, naming what is needed.
        const auto refused = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_ERROR(refused, ErrorCode::Unsupported);
        QVERIFY(refused.error().hint.find("9.9.9") != std::string::npos);
    }

    void readerMigratesAPrivateCopyOnly()
    {
        makeVersion1();
        const auto before = contentOf(m_place);
        const auto steps = withSecondStep(addRating);
        const auto store = ProjectStore::open(m_file, OpenMode::ReadOnly, {.steps = steps});
        VERIFY_OK(store);
        QCOMPARE(store.value().trial(sampleId(1)).value().label, "migrated " + sampleTrial(1).label);
        QVERIFY(contentOf(m_place) == before);
    }

    void failedStepLeavesTheOldVersion_data()
    {
        QTest::addColumn<bool>("orphans");
        QTest::addRow("error in the middle") << false;
        QTest::addRow("broken reference") << true;
    }
    void failedStepLeavesTheOldVersion()
    {
        QFETCH(bool, orphans);
        makeVersion1();
        const auto steps = withSecondStep(orphans ? orphanRows : breakHalfWay);
        const auto failed = ProjectStore::open(m_file, OpenMode::ReadWrite, {.steps = steps});
        QVERIFY(!failed.ok());
        QVERIFY2(failed.error().message.find("schema version 2") != std::string::npos, failed.error().message.c_str());
        QCOMPARE(versionOf(m_file), std::int64_t(1));
        const auto store = ProjectStore::open(m_file, OpenMode::ReadWrite);
        VERIFY_OK(store);
        QVERIFY(sameTrial(store.value().trial(sampleId(1)).value(), sampleTrial(1)));
    }

private:
    void makeVersion1()
    {
        auto store = ProjectStore::open(m_file, OpenMode::Create);
        VERIFY_OK(store);
        VERIFY_OK(store.value().recordWorkload(sampleWorkload()));
        VERIFY_OK(store.value().recordSweep("demo", "paretoscope: 1", {sampleId(1), sampleId(2), sampleId(3)}));
        for (int number = 1; number <= 3; ++number)
            VERIFY_OK(store.value().finishTrial(sampleTrial(number)));
    }

    static std::int64_t versionOf(const std::filesystem::path& file)
    {
        auto database = Database::open(file, Database::Access::ReadOnly);
        return database.ok() ? database.value().integer("PRAGMA user_version").value() : -1;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_place;
    std::filesystem::path m_file;
};

QTEST_GUILESS_MAIN(TstProjectMigrations)
#include "tst_project_migrations.moc"
